"""Quality reports: monthly, for the management review, on suppliers, and the CAPA board.

A report is made in this order, and each step knows only what the ones before it found:

- `periods`: which days it is about, and which it is compared with;
- `facts`: everything that is counted and listed, read at one moment and kept as one calculation;
- `measuring`, `charting`: metrics and charts, each a calculation of its own;
- `sections`: facts become sections with key numbers, tables, what is missing, and a headline;
- `drafting`: words, by template, or by a model whose every number is looked up in the facts;
- `pages`: the sections as Markdown, HTML and PDF;
- `storing`: all three as the next version of a controlled document, a draft.

No step judges conformity, and none approves: a person reviews the draft and signs it.
"""
