"""Answer a reporter's first questions from the published SQLite file, with Datasette.

`server` starts it, `plugins/guard.py` is loaded by Datasette itself, `describe` writes the part of metadata.yml
that follows from the Table Schemas. The room knows files only: no ledger, no stage, and nothing is computed here
that the package does not hold.
"""
