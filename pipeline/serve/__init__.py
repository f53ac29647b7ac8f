"""The public face: from a release to a site and an API, with Datasette.

`server` starts it. Datasette loads what stands in plugins/: `guard` closes what it leaves open, `pages` gives the site
its three languages, `api` the addresses under /v1/. The pages are templates that ask the database themselves; words.yml
holds the words of the interface. `describe` writes the part of metadata.yml that follows from the Table Schemas. The
room knows files only: no ledger, no stage, and nothing is computed here that the package does not hold.
"""
