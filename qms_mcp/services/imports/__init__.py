"""Records from files of other systems.

A file is read row by row, a map says which of its columns becomes which field, and each row is added as any record is:
through `qms.add_record`, with its guards, its number and its trail. The id a row has in its own system makes the import
repeatable: a row that is there already is left as it is. A row that can't be used is skipped and reported; no other row
is lost with it.
"""
