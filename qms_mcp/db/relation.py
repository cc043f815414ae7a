"""A relation that is only known at run time, and how much of it the caller sees."""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_COUNTED = 10_000
MOST_SAMPLED = 60


@dataclass(frozen=True, slots=True)
class ReadableColumn:
    """A column that may be read; `category` is that of its type (`pg_type.typcategory`)."""

    name: str
    type: str
    category: str


@dataclass(frozen=True, slots=True)
class Readable:
    """A relation, and how to read it.

    Attributes:
        schema: Its schema.
        name: Its name.
        columns: The columns that may be read.
        narrowed: Read only rows whose organization_id is the caller's.
    """

    schema: str
    name: str
    columns: Sequence[ReadableColumn]
    narrowed: bool


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a relation the caller sees.

    Attributes:
        count: Rows; more than `MOST_COUNTED` when counting stopped.
        size: Bytes of the values in the rows counted, as they are stored.
    """

    count: int
    size: int
