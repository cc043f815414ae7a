"""How what a process makes compares with what is asked of it: capability (within) and performance (overall).

- `specification`: limits and target, checked;
- `subgroups`: values in the order they were made, alone or in subgroups;
- `within`: sigma within subgroups, with the degrees of freedom it is worth;
- `indices`: Cp, Cpk, Cpm, ... with intervals; `fallout`: how much lies outside, expected and observed;
- `transforms`, `johnson`, `fitted`: what to do when values are not normal; `choosing`: which of them, and why;
- `stability`: whether there is one process to speak of at all;
- `study`: all of it together.

Cp and Cpk are with the sigma within, Pp and Ppk with the overall standard deviation (AIAG SPC 2nd ed., ISO 22514-2).
"""
