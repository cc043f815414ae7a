"""The rule sets people name, and which of their rules make sense on which panel.

- `nelson`: Nelson, The Shewhart control chart: tests for special causes, J. Quality Technology 16 (1984) 237-239. He
  advises 1 to 4 for routine; 5 and 6 for an earlier warning, 7 and 8 to see how subgroups were formed.
- `western_electric`: Statistical Quality Control Handbook (1956), the four tests; as in NIST e-Handbook 6.3.2.
- `aiag`: AIAG SPC manual, 2nd edition (2005), the table of special-cause criteria: Nelson's, with a run of 7.
- `limits`: points beyond the limits only.

Rule 8 counts points on either side of the centre, as AIAG has it; Nelson's drawing shows them on both.
A selection is written after the name: "nelson 1-4", "aiag 1,2,5".
"""

import re
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.spc.rules import Rule

Panel: TypeAlias = Literal["normal", "count", "dispersion", "correlated"]
DEFAULT: Final = "nelson 1-4"


def _eight(run: int) -> tuple[Rule, ...]:
    return (
        Rule(1, "beyond", "1 point beyond the control limits"),
        Rule(2, "one_side", "{length} points in a row on one side of the centre", run),
        Rule(3, "trend", "{length} points in a row steadily rising or falling", 6),
        Rule(4, "alternating", "{length} points in a row alternating up and down", 14),
        Rule(5, "most_beyond", "2 of 3 points in a row more than 2 sigma from the centre, one side", 3, 2, 2.0),
        Rule(6, "most_beyond", "4 of 5 points in a row more than 1 sigma from the centre, one side", 5, 4, 1.0),
        Rule(7, "within", "{length} points in a row within 1 sigma of the centre", 15, 0, 1.0),
        Rule(8, "outside", "{length} points in a row more than 1 sigma from the centre, either side", 8, 0, 1.0),
    )


_WESTERN_ELECTRIC: Final = (
    Rule(1, "beyond", "1 point beyond the control limits"),
    Rule(2, "most_beyond", "2 of 3 points in a row more than 2 sigma from the centre, one side", 3, 2, 2.0),
    Rule(3, "most_beyond", "4 of 5 points in a row more than 1 sigma from the centre, one side", 5, 4, 1.0),
    Rule(4, "one_side", "{length} points in a row on one side of the centre", 8),
)
RULE_SETS: Final = {
    "nelson": _eight(9),
    "western_electric": _WESTERN_ELECTRIC,
    "aiag": _eight(7),
    "limits": (Rule(1, "beyond", "1 point beyond the control limits"),),
}
_ALSO: Final = {"we": "western_electric", "weco": "western_electric", "nist": "western_electric", "all": "nelson"}
_SPOKEN: Final = re.compile(r"\s*([a-z_]+(?:[\s-]+electric)?)(?:[\s_-]*rules?)?[\s:]*([\d,\s-]*)\s*")
_SHORTEST, _LONGEST = 3, 100


def rule_set(name: str, run_length: int | None = None) -> tuple[Rule, ...]:
    """Return the rules of a set by its name, perhaps with a selection ("nelson 1-4").

    Args:
        name: `nelson`, `western_electric`, `aiag` or `limits`.
        run_length: How many points in a row on one side are a run, instead of what the set says.

    Raises:
        InvalidInputError: There is no such set, or no such rule in it, or the run is shorter than 3.
    """
    spoken = _SPOKEN.fullmatch(name.lower())
    known = re.sub(r"[\s-]+", "_", spoken[1]).removesuffix("_rules") if spoken else ""
    known = _ALSO.get(known, known)
    if spoken is None or known not in RULE_SETS:
        raise InvalidInputError(
            f"There is no rule set {name!r}.",
            hint=f"There are {', '.join(RULE_SETS)}; with a selection as in 'nelson 1-4' or 'aiag 1,2,5'.",
        )
    if run_length is not None and not _SHORTEST <= run_length <= _LONGEST:
        raise InvalidInputError(
            f"A run of {run_length} points is no rule.", hint="Between 3 and 100; 7, 8 and 9 are used."
        )
    rules = RULE_SETS[known]
    chosen = _chosen(spoken[2], len(rules))
    return tuple(_spelled(rule, run_length) for rule in rules if rule.number in chosen)


def _chosen(selection: str, largest: int) -> set[int]:
    numbers = set[int]()
    for part in re.split(r"[,\s]+", re.sub(r"\s*-\s*", "-", selection.strip())):
        low, _, high = part.partition("-")
        if part:
            numbers |= set(range(int(low or 0), int(high or low or 0) + 1))
    if numbers - set(range(1, largest + 1)):
        raise InvalidInputError(
            f"The rule set has no rule {min(numbers - set(range(1, largest + 1)))}.", hint=f"It has 1 to {largest}."
        )
    return numbers or set(range(1, largest + 1))


def _spelled(rule: Rule, run_length: int | None) -> Rule:
    length = run_length if run_length is not None and rule.pattern == "one_side" else rule.length
    return replace(rule, length=length, words=rule.words.format(length=length))


def applicable(rules: tuple[Rule, ...], panel: Panel) -> tuple[Rule, ...]:
    """Return the rules that make sense on a panel.

    On points about normal around their centre all do. Counts and dispersions are skewed, so zones mean nothing there.
    Moving ranges, EWMA and CUSUM hang on the point before: only their limits count.
    """
    if panel == "normal":
        return rules
    if panel == "correlated":
        return tuple(rule for rule in rules if rule.pattern == "beyond")
    return tuple(rule for rule in rules if not rule.zones)
