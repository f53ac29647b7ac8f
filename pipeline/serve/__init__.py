"""The public face: from a release to a site and an API, with Datasette.

`server` starts it. Datasette loads what stands in plugins/: `guard` closes what it leaves open, `pages` gives the site
its three languages, `api` the addresses under /v1/. `prepared` answers what is known before Datasette is entered,
`refusals` judges what a reader asks for, `asking` turns a search into a question, `drawing` says where the parts of a
chart lie. The pages are templates that ask the database themselves; words.yml and columns.yml hold the words of the
interface. `describe` writes the part of metadata.yml that follows from the Table Schemas. The room knows files only: no
ledger, no stage, and nothing is computed here that the package does not hold.
"""
