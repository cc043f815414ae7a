"""Numbers that can be defended: a source is read, a method computes, what was done is kept and can be done again.

- `sources`: records, SQL, a table sent along or a table of a document, as one `Table` with its origin;
- `method`: a `Method` turns a table and options into an answer and a picture, with no side effects;
- `methods/`: one module a method; `catalogue` finds them;
- `workbench`: reads, computes in a thread, keeps the calculation, draws; `recompute` does it again and compares.
"""
