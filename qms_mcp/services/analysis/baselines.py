"""Frozen control limits: the limits of a phase I chart, kept as a controlled document, signed by a person.

A baseline is a document of type `control_baseline`: its content holds the limits for people and, in a block, for
programs. So it has versions of which one is effective, a hash, a trail and signatures, like any document, and charts of
phase II use the effective version. Limits nobody signed can be used too, and each chart says so.
"""

import json
import re
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from pydantic import Field

from qms_mcp.errors import ConflictError, InvalidInputError, NotFoundError
from qms_mcp.services.analysis.methods.spc_options import FrozenLimits
from qms_mcp.services.answer import Answer
from qms_mcp.services.documents.service import Source as DocumentSource
from qms_mcp.services.documents.versions import find_version

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.analysis.workbench import Workbench
    from qms_mcp.services.documents.service import Documents

DOCUMENT_TYPE = "control_baseline"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,50}")
_CALCULATION = re.compile(r"^- Computed by: spc_chart \S+, calculation ([0-9a-f-]{36})$", re.MULTILINE)
_BLOCK = re.compile(r"^```json control-limits\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


class FrozenBaseline(Answer):
    """A baseline that was written as a draft."""

    id: UUID
    number: str
    version: int
    state: str
    audit_seq: int
    baseline: str
    revises: str = ""
    limits: dict[str, Any]
    warnings: list[str] = Field(default_factory=list[str])
    next_step: str


class Baselines:
    """Freezes limits, and finds frozen ones.

    Args:
        database: Where documents are.
        workbench: Where calculations are.
        documents: Writes documents.
    """

    def __init__(self, database: "Database", workbench: "Workbench", documents: "Documents") -> None:
        self._database = database
        self._workbench = workbench
        self._documents = documents

    async def freeze(
        self,
        principal: "Principal",
        calculation: str,
        name: str,
        because: str,
        *,
        idempotency_key: str | None = None,
    ) -> FrozenBaseline:
        """Write the limits of a chart as the next version of a baseline, a draft.

        Args:
            principal: On whose behalf.
            calculation: A phase I chart, by the id in its provenance.
            name: Of the baseline: `OVEN-3-TEMP`; its document is `BL-OVEN-3-TEMP`.
            because: Why.
            idempotency_key: The same key writes once.

        Raises:
            ConflictError: The calculation is no phase I chart, or holds no limits.
            InvalidInputError: The name can't be one.
            NotFoundError: There is no such calculation.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInputError(
                f"A baseline can't be called {name[:60]!r}.",
                hint="Letters, digits, dots and hyphens, at most 50: OVEN-3-TEMP.",
            )
        row = await self._workbench.answer(principal, calculation)
        limits = row["answer"].get("limits_to_freeze")
        if row["method"] != "spc_chart" or not limits:
            raise ConflictError(
                f"Calculation {calculation} has no limits to freeze.",
                hint="Freeze what spc_chart computed from data of its own (phase I), one stage at a time.",
            )
        number = f"BL-{name.upper().removeprefix('BL-')}"
        made = await self._documents.ingest(
            principal,
            DocumentSource(text=_content(number, calculation, row, limits), file_name=f"{number}.md"),
            because,
            fields={"title": f"Control limits {number}", "document_number": number, "document_type": DOCUMENT_TYPE},
            idempotency_key=idempotency_key,
        )
        document = cast("Any", made)
        return FrozenBaseline(
            id=document.id,
            number=document.number,
            version=document.version,
            state=document.state,
            audit_seq=document.audit_seq,
            baseline=document.citation,
            revises=document.revises,
            limits=limits,
            warnings=_warnings(row["answer"]),
            next_step=f"A person reviews and signs {document.citation} (transition_record); until it is effective, "
            "charts that use it say that nobody signed it.",
        )

    async def limits(self, principal: "Principal", reference: str) -> FrozenLimits:
        """Return frozen limits by the name of their baseline: the effective version, else the latest.

        Raises:
            NotFoundError: There is no such baseline.
            InvalidInputError: The document holds no limits.
        """
        named = reference if reference.upper().startswith(("BL-", "DOC-")) else f"BL-{reference}"
        async with self._database.transaction(principal, read_only=True) as transaction:
            try:
                version = await find_version(transaction, named.upper() if " " not in named else named)
            except NotFoundError as missing:
                raise NotFoundError(
                    f"There is no baseline {reference[:60]!r}.", hint=f"freeze_baseline makes one. {missing.hint}"
                ) from None
        block = _BLOCK.search(version.content or "")
        if version.document_type != DOCUMENT_TYPE or block is None:
            raise InvalidInputError(
                f"{version.label} holds no control limits.", hint="A baseline is made by freeze_baseline."
            )
        try:
            limits = FrozenLimits.model_validate(json.loads(block[1]))
        except ValueError as odd:
            raise InvalidInputError(
                f"The limits in {version.label} can't be read.", hint="Freeze them again with freeze_baseline."
            ) from odd
        await self._refuse_uncomputed(principal, version.label, version.content or "", json.loads(block[1]))
        other = "" if version.status in {"draft", "in_review", "effective"} else f" ({version.status})"
        signed = version.status in {"approved", "effective", "superseded", "obsolete"}
        return limits.model_copy(update={"name": f"{version.label}{other}", "signed_off": signed})

    async def _refuse_uncomputed(
        self, principal: "Principal", label: str, content: str, limits: dict[str, Any]
    ) -> None:
        """Refuse limits somebody wrote: what is frozen was computed, and the calculation is still there."""
        named = _CALCULATION.search(content)
        if named is None:
            raise _uncomputed(label)
        try:
            row = await self._workbench.answer(principal, named[1])
        except NotFoundError as missing:
            raise _uncomputed(label) from missing
        if row["answer"].get("limits_to_freeze") != limits:
            raise _uncomputed(label)


def _uncomputed(label: str) -> InvalidInputError:
    return InvalidInputError(
        f"The limits in {label} are not those of the calculation it names.",
        hint="Freeze limits with freeze_baseline; known limits go into the options target and sigma.",
    )


def _warnings(answer: dict[str, Any]) -> list[str]:
    """Return what speaks against limits: signals in their own data, and every assumption that does not hold."""
    said = [f"{flag['code']}: {flag['says']}" for flag in answer.get("flags", ())]
    return said if answer.get("in_control") is not False else ["The chart the limits come from has signals.", *said]


def _content(number: str, calculation: str, row: dict[str, Any], limits: dict[str, Any]) -> str:
    """Return the text of a baseline: for people, and the same numbers for programs."""
    facts = "\n".join(f"| {_cell(name)} | {_cell(value)} |" for name, value in limits.items())
    block = json.dumps(limits, ensure_ascii=False, indent=1, sort_keys=True)
    return (
        f"# Control limits {number}\n\n"
        "These limits are frozen: charts of phase II are judged against them, and nothing is estimated anew.\n\n"
        f"- Computed by: {row['method']} {row['method_version']}, calculation {calculation}\n"
        f"- From: {_cell(row['source_says'])}\n"
        f"- n: {row['n']}; read {row['created_at']:%Y-%m-%d %H:%M} UTC; sha256 of the input {row['input_sha256']}\n"
        f"- Finding: {_cell(row['answer']['headline'])}\n"
        f"{''.join(f'- To consider before signing: {_cell(one)}{chr(10)}' for one in _warnings(row['answer']))}\n"
        f"| limit | value |\n| --- | --- |\n{facts}\n\n"
        f"```json control-limits\n{block}\n```\n"
    )


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.replace("|", "\\|").replace("`", "'").split())
