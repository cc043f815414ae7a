"""Review of SQL and PL/pgSQL by rules, and of queries by PostgreSQL itself.

- `code`: the text under review, as statements, routines and policies
- `reading`: what several rules need to find in a statement
- `rules`: what a rule is, and the registry; adding a rule is adding one function
- `security`, `querying`, `conditions`, `definitions`, `routines`, `plpgsql`: the rules, by subject
- `service`: all of it in order
"""
