"""Say whether tables and packages may stand: compiled schema checks, expectations, and a judge.

`package.check` answers for any Data Package on disk, `tables.findings` for our own tables before they leave memory.
Says what is wrong and where; decides nothing, mends nothing, and never repeats a cell.
"""
