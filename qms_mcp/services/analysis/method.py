"""A method: options and a table in, an answer and a picture out; nothing else happens.

    METHOD = Method("pareto", "1", ParetoOptions, compute)
    METHOD = RecordMethod("calculate_metrics", "1", MetricsOptions, compute)     # reads the records itself

Because it is pure, a calculation can be redone from what was kept: the source, the options, the version of the method.
Raise the version when the same input would give another number.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from qms_mcp.pictures.model import Picture
from qms_mcp.services.analysis.table import Table
from qms_mcp.services.answer import Answer
from qms_mcp.statistics.flags import Flag

if TYPE_CHECKING:
    from qms_mcp.db.queries import Query
    from qms_mcp.services.analysis.source import Source

O = TypeVar("O", bound="Options")  # noqa: E741 - options
A = TypeVar("A", bound="Analysed")


class Options(BaseModel):
    """What a caller may choose; kept with the calculation.

    The schema of a tool does not always list them, so a name that is none is answered with those there are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        chosen = cast("dict[str, Any]", given)
        # `lambda` is a word of the language, so its field has an underscore; nobody has to know.
        spoken = {
            name if name in cls.model_fields else _field_of(name, cls.model_fields): chosen[name] for name in chosen
        }
        unknown = [name for name in spoken if name not in cls.model_fields]
        if unknown:
            there = ", ".join(name.rstrip("_") for name in cls.model_fields)
            raise ValueError(f"there is no {', '.join(map(repr, unknown[:5]))}; there are {there}")
        return spoken


def _field_of(name: str, fields: Mapping[str, Any]) -> str:
    return f"{name}_" if f"{name}_" in fields else name


class FlagAnswer(Answer):
    """A `Flag` on the wire."""

    code: str
    says: str
    instead: str = ""


class Provenance(Answer):
    """Where the numbers come from, and how to have them computed again."""

    calculation: str
    source: str
    n: int
    method: str
    at: str
    notes: list[str] = Field(default_factory=list[str])


class Analysed(Answer):
    """What a method answers: `headline` says it in a sentence for people."""

    headline: str
    flags: list[FlagAnswer] = Field(default_factory=list[FlagAnswer])
    provenance: Provenance | None = None

    _images: tuple[tuple[str, bytes], ...] = PrivateAttr(default=())
    _picture: Picture | None = PrivateAttr(default=None)

    def illustrate(self, picture: Picture, image: tuple[str, bytes] | None = None) -> None:
        """Take a picture along, beside what is told in words and numbers; as an image (media type, bytes) if wanted."""
        self._picture = picture
        self._images = () if image is None else (image,)


@dataclass(frozen=True, slots=True)
class Computed(Generic[A]):
    """What came out.

    Attributes:
        answer: For the caller, without its provenance.
        n: How many observations it rests on.
        picture: Of it, if there is one.
    """

    answer: A
    n: int
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Method(Generic[O, A]):
    """A method by name and version."""

    name: str
    version: str
    options: type[O]
    compute: Callable[[Table, O], Computed[A]]


class Reader(Protocol):
    """Reads records as the caller, in one read-only transaction that sees one moment.

    Attributes:
        today: The day it is in the organization's time zone.
        now: The moment the transaction sees.
        zone: The organization's time zone (IANA).
    """

    today: date
    now: datetime
    zone: str

    async def rows(self, query: "Query", params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return what a named query finds; what was read counts towards the hash of the input."""
        ...

    async def table(self, source: "Source") -> Table:
        """Return a table the caller sent along or named."""
        ...


@dataclass(frozen=True, slots=True)
class RecordMethod(Generic[O, A]):
    """A method that reads the records itself, through a `Reader`.

    Attributes:
        compute: Reads and computes. The moment is the reader's; whatever is relative to now is taken from there.
        settled: Returns the options with what was relative made absolute (as_of = the reader's today), so that a
            later recomputation asks for the same thing; the options as they are if left out.
    """

    name: str
    version: str
    options: type[O]
    compute: Callable[[Reader, O], Awaitable[Computed[A]]]
    settled: Callable[[Reader, O], O] | None = None


AnyMethod = Method[Any, Any] | RecordMethod[Any, Any]


def flagged(flags: "list[Flag] | tuple[Flag, ...]") -> list[FlagAnswer]:
    """Return flags as they travel."""
    return [FlagAnswer(code=flag.code, says=flag.says, instead=flag.instead) for flag in flags]


def significant(value: float, digits: int = 10) -> float:
    """Return a number with as many significant digits as anybody reads; 10 keep every published answer."""
    return float(f"{value:.{digits}g}")
