"""Where analyses are run: the source is read as the caller, the method computes in a thread, what was done is kept.

answer = await workbench.run(principal, PARETO, Source(records="complaint"), ParetoOptions(category="product"))
answer.provenance.calculation        # what recompute and qms://chart take
"""

import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

import anyio.to_thread

from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.pictures.model import Format, Picture, Theme
from qms_mcp.services.analysis.catalogue import method_named
from qms_mcp.services.analysis.evaluating import Evaluated, evaluate_records, evaluate_table
from qms_mcp.services.analysis.keeping import Kept, keep, kept_row
from qms_mcp.services.analysis.method import A, AnyMethod, Method, O, Options, Provenance, RecordMethod
from qms_mcp.services.analysis.recomputing import Recomputed, compared
from qms_mcp.services.analysis.source import PictureChoice, Source
from qms_mcp.services.analysis.table import Table

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.analysis.sources import Sources

_log = logging.getLogger(__name__)
_MEDIA_TYPES = {"svg": "image/svg+xml", "png": "image/png"}
_NO_TABLE = Table({}, says="the options alone")


class Workbench:
    """Runs methods, keeps what they found, draws it, and computes it again.

    Args:
        database: Where calculations are kept.
        sources: Reads sources.
    """

    def __init__(self, database: "Database", sources: "Sources") -> None:
        self._database = database
        self.sources = sources

    async def run(
        self,
        principal: "Principal",
        method: "Method[O, A] | RecordMethod[O, A]",
        source: Source | None,
        options: O,
        picture: PictureChoice = "none",
    ) -> A:
        """Read, compute, keep and draw; return the answer with its provenance and, if wanted, its picture.

        Args:
            principal: On whose behalf.
            method: What computes.
            source: Of what; None for a method that reads the records itself, or needs nothing but its options.
            options: How.
            picture: Whether its picture comes with it, and how.

        Raises:
            QmsError: The source can't be read, or the method refuses.
        """
        evaluated = await self._evaluate(principal, method, source, options)
        kept = await keep(self._database, principal, method, source, evaluated)
        answer = _with_provenance(evaluated.computed.answer, kept, evaluated)
        drawn = evaluated.computed.picture
        if drawn is not None:
            image = None if picture == "none" else await _drawn(drawn, picture)
            answer.illustrate(drawn, None if image is None else (_MEDIA_TYPES[picture], image))
        return answer

    async def picture(self, principal: "Principal", calculation: str) -> Picture:
        """Return the description of a calculation's picture.

        Raises:
            NotFoundError: There is no such calculation, or it has no picture.
        """
        row = await self._row(principal, calculation)
        if row["picture"] is None:
            raise NotFoundError(f"Calculation {calculation} has no picture.", hint="Its table is in its answer.")
        return Picture.model_validate(row["picture"])

    async def draw(self, principal: "Principal", calculation: str, form: Format, theme: Theme = "light") -> bytes:
        """Return the picture of a calculation, drawn again from what was kept."""
        return await _draw(await self.picture(principal, calculation), form, theme)

    async def answer(self, principal: "Principal", calculation: str) -> dict[str, Any]:
        """Return a calculation as it was kept: method, version, source, options, n, answer.

        Raises:
            NotFoundError: There is no such calculation.
        """
        row = await self._row(principal, calculation)
        return {name: value for name, value in row.items() if name != "picture"}

    async def recompute(self, principal: "Principal", calculation: str) -> Recomputed:
        """Compute a number again, from the same source with the same options, and compare.

        Raises:
            NotFoundError: There is no such calculation, or this version has no such method any more.
            InvalidInputError: The table was sent along and was too large to keep.
        """
        row = await self._row(principal, calculation)
        method = method_named(row["method"])
        options = method.options.model_validate(row["options"])
        source = _source_of(row)
        evaluated = await self._evaluate(principal, method, source, options)
        kept = await keep(self._database, principal, method, source, evaluated, repeats=row["id"])
        return compared(row, kept, evaluated, method)

    async def _evaluate(
        self, principal: "Principal", method: AnyMethod, source: Source | None, options: Options
    ) -> Evaluated:
        if isinstance(method, RecordMethod):
            return await evaluate_records(method, self._database, self.sources, principal, options)
        table = _NO_TABLE if source is None else await self.sources.read(principal, source)
        return await evaluate_table(method, table, options)

    async def _row(self, principal: "Principal", calculation: str) -> dict[str, Any]:
        try:
            wanted = UUID(calculation)
        except ValueError:
            raise InvalidInputError(
                f"{calculation[:60]!r} is no id of a calculation.", hint="It is in `provenance` of the answer."
            ) from None
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await kept_row(transaction, wanted)


def _source_of(row: dict[str, Any]) -> Source | None:
    if row["source"] is None:
        return None
    if "sent_along" in row["source"]:
        raise InvalidInputError(
            "The table of this calculation was sent along and was too large to keep; its sha256 was.",
            hint="Run the analysis again with the same table: `input_sha256` tells whether it is the same.",
        )
    return Source.model_validate(row["source"])


def _with_provenance(answer: A, kept: Kept, evaluated: Evaluated) -> A:
    provenance = Provenance(
        calculation=str(kept.id),
        source=evaluated.says,
        n=evaluated.computed.n,
        method=kept.method,
        at=kept.at.isoformat(timespec="seconds"),
        notes=list(evaluated.notes),
    )
    return answer.model_copy(update={"provenance": provenance})


async def _drawn(picture: Picture, form: Format) -> bytes | None:
    try:
        return await _draw(picture, form, "light")
    except Exception:  # noqa: BLE001 - whatever it was, the numbers are not lost with their picture
        _log.exception("a picture could not be drawn; its answer goes without")
        return None


async def _draw(picture: Picture, form: Format, theme: Theme) -> bytes:
    from qms_mcp.pictures.drawing import draw  # noqa: PLC0415 - loads the plotting library when the first is drawn

    return await anyio.to_thread.run_sync(draw, picture, form, theme)
