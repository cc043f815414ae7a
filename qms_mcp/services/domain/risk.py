"""How a risk is rated: FMEA (risk priority number, action priority) and ISO 14971 (severity by probability).

The action priority of the AIAG & VDA handbook (2019) is a table and no product: severity counts first, then
occurrence, then detection. It is the same for DFMEA and PFMEA. It says how urgent action is, not how large the risk
is. Whether a risk is accepted is for a person to decide; here stand only the numbers that decision needs.
"""

from typing import Literal, cast

from pydantic import model_validator

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.domain.frozen import Frozen

ActionPriority = Literal["H", "M", "L"]
Region = Literal["acceptable", "as_low_as_possible", "unacceptable"]

PRIORITY_MEANING: dict[ActionPriority, str] = {
    "H": "improve prevention or detection, or justify and document why the controls are adequate",
    "M": "should improve prevention or detection, or justify why the controls are adequate",
    "L": "could improve prevention or detection",
}
REGIONS: tuple[Region, ...] = ("acceptable", "as_low_as_possible", "unacceptable")

# Lower ends of the bands, highest first, and a row of letters for each band of severity and occurrence:
# detection 7-10, 5-6, 2-4, 1.
_SEVERITY_BANDS = (9, 7, 4, 2, 1)
_OCCURRENCE_BANDS = (8, 6, 4, 2, 1)
_DETECTION_BANDS = (7, 5, 2, 1)
_TABLE = (
    ("HHHH", "HHHH", "HHHM", "HMLL", "LLLL"),  # severity 9-10
    ("HHHH", "HHHM", "HMMM", "MMLL", "LLLL"),  # severity 7-8
    ("HHMM", "MMML", "MLLL", "LLLL", "LLLL"),  # severity 4-6
    ("MMLL", "LLLL", "LLLL", "LLLL", "LLLL"),  # severity 2-3
    ("LLLL", "LLLL", "LLLL", "LLLL", "LLLL"),  # severity 1
)
_WORST = 10


class FmeaRating(Frozen):
    """The rating of one line of an FMEA."""

    severity: int
    occurrence: int
    detection: int
    rpn: int
    action_priority: ActionPriority


def rate(severity: int, occurrence: int, detection: int) -> FmeaRating:
    """Return the risk priority number and the action priority; each rating is 1 to 10, 10 the worst.

    Raises:
        InvalidInputError: A rating is out of its range.
    """
    return FmeaRating(
        severity=severity,
        occurrence=occurrence,
        detection=detection,
        rpn=risk_priority_number(severity, occurrence, detection),
        action_priority=action_priority(severity, occurrence, detection),
    )


def risk_priority_number(severity: int, occurrence: int, detection: int) -> int:
    """Return severity x occurrence x detection.

    Raises:
        InvalidInputError: A rating is out of its range.
    """
    _check_ratings(severity, occurrence, detection)
    return severity * occurrence * detection


def action_priority(severity: int, occurrence: int, detection: int) -> ActionPriority:
    """Return H, M or L from the table.

    Raises:
        InvalidInputError: A rating is out of its range.
    """
    _check_ratings(severity, occurrence, detection)
    row = _TABLE[_band(_SEVERITY_BANDS, severity)][_band(_OCCURRENCE_BANDS, occurrence)]
    return cast("ActionPriority", row[_band(_DETECTION_BANDS, detection)])


def _band(lower_ends: tuple[int, ...], rating: int) -> int:
    return next(place for place, lowest in enumerate(lower_ends) if rating >= lowest)


def _check_ratings(severity: int, occurrence: int, detection: int) -> None:
    for name, rating in (("severity", severity), ("occurrence", occurrence), ("detection", detection)):
        if not 1 <= rating <= _WORST:
            raise InvalidInputError(
                f"{name} is {rating}; it has to be from 1 to {_WORST}.", hint="1 is the best, 10 the worst."
            )


class RiskMatrix(Frozen):
    """Severity of harm by probability of its occurrence, and what a region means for a manufacturer.

    Attributes:
        severities: From the least to the worst.
        probabilities: From the rarest to the most frequent.
        regions: A row for each severity, in it a region for each probability.
    """

    severities: tuple[str, ...]
    probabilities: tuple[str, ...]
    regions: tuple[tuple[Region, ...], ...]

    @model_validator(mode="after")
    def _sound(self) -> "RiskMatrix":
        sized = len(self.regions) == len(self.severities) and all(
            len(row) == len(self.probabilities) for row in self.regions
        )
        if not sized or not self.severities or not self.probabilities:
            message = "a matrix needs a region for each severity and probability"
            raise ValueError(message)
        ranks = [[REGIONS.index(region) for region in row] for row in self.regions]
        if any(row != sorted(row) for row in (*ranks, *(list(column) for column in zip(*ranks, strict=True)))):
            message = "a region may not get better where severity or probability gets worse"
            raise ValueError(message)
        return self

    def region(self, severity: int, probability: int) -> Region:
        """Return the region of a severity and a probability, both counted from 1.

        Raises:
            InvalidInputError: The matrix has no such severity or probability.
        """
        for name, level, scale in (
            ("severity", severity, self.severities),
            ("probability", probability, self.probabilities),
        ):
            if not 1 <= level <= len(scale):
                raise InvalidInputError(
                    f"{name} is {level}; it has to be from 1 to {len(scale)}.",
                    hint=", ".join(f"{place} {word}" for place, word in enumerate(scale, 1)) + ".",
                )
        return self.regions[severity - 1][probability - 1]

    def words(self, severity: int, probability: int) -> str:
        """Return such a place in words: `serious (3) x remote (2): as_low_as_possible`."""
        region = self.region(severity, probability)
        return (
            f"{self.severities[severity - 1]} ({severity}) x {self.probabilities[probability - 1]} ({probability}): "
            f"{region}"
        )


def _rows(*letters: str) -> tuple[tuple[Region, ...], ...]:
    regions: dict[str, Region] = {"a": "acceptable", "r": "as_low_as_possible", "u": "unacceptable"}
    return tuple(tuple(regions[letter] for letter in row) for row in letters)


# ISO 14971 leaves criteria to the manufacturer; an organization that has its own replaces this one.
DEFAULT_MATRIX = RiskMatrix(
    severities=("negligible", "minor", "serious", "critical", "catastrophic"),
    probabilities=("improbable", "remote", "occasional", "probable", "frequent"),
    regions=_rows("aaaar", "aaarr", "aarru", "arruu", "rruuu"),
)


class ResidualRisk(Frozen):
    """A risk before and after its controls.

    Attributes:
        reduced: Whether severity or probability went down and neither went up.
        notes: What a person who accepts or refuses the residual risk has to look at.
    """

    before: Region
    after: Region
    reduced: bool
    notes: tuple[str, ...]


def residual_risk(
    before: tuple[int, int],
    after: tuple[int, int],
    *,
    controls_verified: bool = False,
    matrix: RiskMatrix = DEFAULT_MATRIX,
) -> ResidualRisk:
    """Compare (severity, probability) before and after the controls.

    Args:
        before: Severity and probability without the controls.
        after: The same with them.
        controls_verified: Implementation and effectiveness of each control were verified.
        matrix: The criteria of the organization.

    Raises:
        InvalidInputError: The matrix has no such severity or probability.
    """
    first, second = matrix.region(*before), matrix.region(*after)
    notes = list(_notes(before, after, second, controls_verified=controls_verified))
    reduced = before != after and after[0] <= before[0] and after[1] <= before[1]
    return ResidualRisk(before=first, after=second, reduced=reduced, notes=tuple(notes))


def _notes(
    before: tuple[int, int], after: tuple[int, int], region: Region, *, controls_verified: bool
) -> tuple[str, ...]:
    checks = (
        (after[0] > before[0] or after[1] > before[1], "The controls make severity or probability worse."),
        (after == before, "The controls change neither severity nor probability."),
        (after[0] < before[0], "A lower severity is rare: only a change of the design itself brings it."),
        (not controls_verified, "Implementation and effectiveness of the controls are not both verified."),
        (region == "unacceptable", "Unacceptable: more control, or a benefit-risk analysis by a person."),
        (region == "as_low_as_possible", "Reduce it as low as possible before a person accepts it."),
    )
    return (*(note for holds, note in checks if holds), "Look at new hazards that the controls bring.")
