"""Key figures of quality work, computed from the records alone, each by a definition one can read.

- `definitions`: what each metric is: formula, what is counted and left out, where it comes from;
- `scope`: the records a metric looks at, in a window of time, as of a day;
- `timing`, `shares`, `counts`, `outside`: the arithmetic, pure;
- `method`: reads, groups, computes; `answer` and `picture` say and show it.
"""
