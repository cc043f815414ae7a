"""What a person has to know beside a number: an assumption that does not hold, data that are few or odd."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flag:
    """Something to know beside a number.

    Attributes:
        code: For programs: `autocorrelated`, `not_normal`, `few`, `not_stable`, `unequal_sizes`, `missing`,
            `duplicates`, `no_variation`, `mixed_units`, `zero_dispersion`, ...
        says: What was found, with the numbers that show it.
        instead: What to do about it, or to use instead; may be empty.
    """

    code: str
    says: str
    instead: str = ""
