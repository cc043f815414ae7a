"""What a comparison of groups is asked and what it answers."""

from typing import Any, Literal

from pydantic import Field

from qms_mcp.services.analysis.method import Analysed, Options, significant
from qms_mcp.statistics.comparing.means import Outcome

Kind = Literal["auto", "mean", "ranks", "proportion", "rate", "categories"]
Verdict = Literal["different", "no difference found", "equivalent"]
TESTS = ["test", "statistic", "df", "df2", "p"]
EFFECTS = ["measure", "value", "low", "high"]
DIFFERENCES = ["first", "second", "difference", "low", "high", "p", "g"]
MOST_ROWS = 200
MOST_PAIRS = 60


class CompareChoices(Options):
    """What may be said beside the columns.

    Attributes:
        event: Which value counts as an event (`fail`), for proportions.
        trials: A column of how many were looked at; `value` is then how many of them had the event.
        exposure: A column of units, hours or lots; `value` is then a count of events.
        pair: A column that says which rows belong together; `rows` for columns side by side.
        time: A column of moments, to compare before and after `split`.
        split: The first moment that counts as after.
        margin: The largest difference that would not matter: then equivalence is tested too.
        alpha: The chance of finding a difference where there is none.
    """

    event: str | None = None
    trials: str | None = None
    exposure: str | None = None
    pair: str | None = None
    time: str | None = None
    split: str | None = None
    margin: float | None = Field(default=None, gt=0)
    alpha: float = Field(default=0.05, gt=0, lt=0.5)


class CompareOptions(CompareChoices):
    """What to compare.

    Attributes:
        value: The column to compare: numbers, yes and no, counts; or several columns, each of them a group.
        group: The column whose values are the groups.
        kind: Of comparison; chosen by the column if left out.
    """

    value: str | list[str] | None = None
    group: str | None = None
    kind: Kind = "auto"

    @property
    def level(self) -> float:
        """Return the confidence of the intervals."""
        return 1 - self.alpha


class CompareAnswer(Analysed):
    """What a comparison answers; the first row of each table names its columns.

    Attributes:
        verdict: In three words.
        test: The one the verdict rests on.
        p: Of it.
        groups: Each with its n and its size.
        effects: How large the difference is, with intervals.
        differences: Which groups differ, p adjusted for their number.
        tests: Every test that was made, also those of the assumptions.
        anova: The table of the classical analysis of variance.
        detectable: The smallest difference that would have been found with a probability of 80 %.
    """

    verdict: str
    test: str
    p: float
    groups: list[list[Any]]
    effects: list[list[Any]] = Field(default=[])
    differences: list[list[Any]] = Field(default=[])
    tests: list[list[Any]] = Field(default=[])
    anova: list[list[Any]] = Field(default=[])
    detectable: float | None = None


def rounded(value: float | None) -> float | None:
    """Return a number with the digits that travel."""
    return None if value is None else significant(value)


def rows_of_tests(tests: "list[Outcome | None]") -> list[list[Any]]:
    """Return the tests that could be made, with their header."""
    rows = [
        [test.name, rounded(test.statistic), rounded(test.df), rounded(test.df2), significant(test.p)]
        for test in tests
        if test
    ]
    return [TESTS, *rows] if rows else []
