"""SQL that is safe to hand to a model: what a statement reaches is decided before it runs.

`Guard.inspect` asks PostgreSQL itself. The statement becomes the body of a temporary function that is rolled
back; PostgreSQL resolves every name, operator and cast without running anything, and the guard reads the
resolved tree. What is not known to be harmless is refused.

- `scan`: our own linear scanner, which caps size and depth before PostgreSQL parses anything
- `statement`: which kind of command it is (a query, EXPLAIN, SHOW), and words for the refused ones
- `tree`: a parser for the text form of an analysed tree
- `reach`: the functions, operators, relations and types in such a tree
- `growth`: how large the query becomes while it is planned
- `facts`: what the catalogue says about them
- `rules`: the judgement, with every list and its reason
- `probe`: the round trips to PostgreSQL
- `inspection`: all of it in order, through views and function bodies, with a small cache
"""

from qms_mcp.db.guard.inspection import Guard, Verdict

__all__ = ["Guard", "Verdict"]
