"""The demo: a company that does not exist, and a walk through the main job on its records.

`company` says who and what there is, `events` what goes wrong there, `clauses` what it has to comply with, `records`
makes a fixed set of records out of that, and `load` puts them into a database the way the application would: as
somebody, under row-level security, with every audit trigger on. `walk` then plays a client.
"""
