"""Completions for the arguments of resources and prompts: what exists and the caller may see."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from qms_mcp.agents.roster import roster
from qms_mcp.context import CurrentCall, peek_call
from qms_mcp.errors import QmsError
from qms_mcp.services.ledger_reader import CURRENT

_MOST = 100  # the protocol allows no more
_RUNS = 20
_LEDGER = "qms://ledger/"
_DOCUMENT = "qms://document/"
_DISPATCH = "qms://dispatch/"
_WEEKS = 5


def install(server: MCPServer[Any]) -> None:
    """Answer completions."""
    server.completion()(complete)


async def complete(
    ref: PromptReference | ResourceTemplateReference, argument: CompletionArgument, context: CompletionContext | None
) -> Completion:
    """Return what the argument could be; nothing when that can't be looked up now."""
    subject = ref.name if isinstance(ref, PromptReference) else ref.uri
    known = (context.arguments if context else None) or {}
    values = [CURRENT] if subject.startswith(_LEDGER) else []
    if call := peek_call():
        with suppress(QmsError):
            values += await _values(call, subject, argument, known)
    return _matching(values, argument.value)


async def _values(call: CurrentCall, subject: str, argument: CompletionArgument, known: Mapping[str, str]) -> list[str]:
    if subject.startswith((_LEDGER, _DISPATCH)):
        return await _of_runs(call, subject, argument)
    if argument.name in {"week", "agent"}:
        return _mondays() if argument.name == "week" else list(roster())
    if subject.startswith(_DOCUMENT) or argument.name == "document":
        return await _of_documents(call, argument, known)
    if argument.name in {"key", "framework"}:
        return [framework.key for framework in await call.services.compliance.frameworks(call.principal)]
    if argument.name == "category" and subject.startswith("qms://workflow/"):
        return [one.category for one in await call.services.compliance.record_types(call.principal)]
    return await _of_tables(call, subject, argument, known)


async def _of_runs(call: CurrentCall, subject: str, argument: CompletionArgument) -> list[str]:
    if subject.startswith(_DISPATCH):
        page = await call.services.dispatches.page(call.principal, limit=_RUNS)
        return [name for one in page.items for name in (one.run_key, str(one.id))]
    runs = await call.services.ledger.runs(call.principal, beginning=_beginning(argument.value), limit=_RUNS)
    return [str(run.id) for run in runs]


async def _of_tables(
    call: CurrentCall, subject: str, argument: CompletionArgument, known: Mapping[str, str]
) -> list[str]:
    relations = await call.services.catalogue.relation_names(call.principal)
    if argument.name == "schema":
        return sorted({relation.schema for relation in relations})
    if argument.name == "table" and subject.startswith("qms://schema/"):
        schema = known.get("schema")
        return [relation.name for relation in relations if schema in (None, relation.schema)]
    return [relation.qualified for relation in relations] if argument.name == "table" else []


async def _of_documents(call: CurrentCall, argument: CompletionArgument, known: Mapping[str, str]) -> list[str]:
    documents, number = call.services.search.documents, known.get("number", "")
    if argument.name in {"number", "document"}:
        return await documents.numbers(call.principal, argument.value, limit=_MOST + 1)
    if argument.name == "version" and number:
        return [str(revision) for revision in await documents.versions(call.principal, number)]
    if argument.name == "path" and number:
        version = known.get("version", "").removeprefix("v")
        return await documents.section_paths(call.principal, number, int(version) if version.isdecimal() else None)
    return []


def _mondays() -> list[str]:
    """Return the first days of this week and of those before it."""
    today = datetime.now(UTC).date()
    monday = today - timedelta(days=today.weekday())
    return [(monday - timedelta(weeks=back)).isoformat() for back in range(_WEEKS)]


def _beginning(value: str) -> str:
    return "" if CURRENT.startswith(value.casefold()) else value


def _matching(values: Iterable[str], written: str) -> Completion:
    wanted = written.casefold()
    begin = [value for value in values if value.casefold().startswith(wanted)]
    begin += [value for value in values if wanted in value.casefold() and value not in begin]
    return Completion(values=begin[:_MOST], total=len(begin), has_more=len(begin) > _MOST)
