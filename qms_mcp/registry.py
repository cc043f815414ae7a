"""Tools as values: `@tool` makes one, `discover()` finds them all.

Adding a tool is adding one function to a module in `tools/`. There is no list to edit.
"""

import functools
import importlib
import inspect
import logging
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias, TypeVar, cast, get_args

from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from qms_mcp.context import peek_call
from qms_mcp.errors import InternalError, InvalidInputError, QmsError
from qms_mcp.pictured import app_meta_of, images_of

_log = logging.getLogger(__name__)

Toolset: TypeAlias = Literal[
    "schema", "sql", "search", "documents", "quality", "analytics", "ml", "agents", "operations"
]
TOOLSETS: tuple[str, ...] = get_args(Toolset)
ToolFunction: TypeAlias = Callable[..., Awaitable[Any]]
F = TypeVar("F", bound=ToolFunction)
_ATTRIBUTE = "__qms_tool__"


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool: what it is called, what it does, what it may do.

    Attributes:
        name: As clients call it.
        title: For people.
        fn: The function, with errors turned into words.
        toolset: The group that switches it on and off.
        reads: It changes nothing.
        destroys: What it changes can't be had back.
        repeats: Called again with the same arguments it changes nothing more.
    """

    name: str
    title: str
    fn: ToolFunction
    toolset: Toolset
    reads: bool
    destroys: bool
    repeats: bool

    @property
    def annotations(self) -> ToolAnnotations:
        """Return the title and the hints clients show and act on; what is so by default is not said."""
        if self.reads:
            return ToolAnnotations(title=self.title, read_only_hint=True, open_world_hint=False)
        return ToolAnnotations(
            title=self.title,
            read_only_hint=False,
            destructive_hint=self.destroys,
            idempotent_hint=self.repeats or None,
            open_world_hint=False,
        )

    @property
    def description(self) -> str:
        """Return what a model reads: the docstring, without the sections meant for programmers."""
        text = inspect.cleandoc(self.fn.__doc__ or "")
        for section in ("\nArgs:", "\nReturns:", "\nRaises:"):
            text = text.split(section)[0]
        return " ".join(text.split())


def tool(
    *, toolset: Toolset, title: str, reads: bool = False, destroys: bool = False, repeats: bool = False
) -> Callable[[F], F]:
    """Declare a function of a module in `tools/` to be a tool."""

    def declare(fn: F) -> F:
        spec = ToolSpec(fn.__name__, title, _in_words(fn), toolset, reads, destroys, repeats)
        setattr(fn, _ATTRIBUTE, spec)
        return fn

    return declare


def _in_words(fn: ToolFunction) -> ToolFunction:
    """Turn errors into what a model can read, and leave them where the ledger finds them."""

    @functools.wraps(fn)
    async def worded(*args: Any, **kwargs: Any) -> Any:
        try:
            return await _compact(await fn(*args, **kwargs), kwargs.get("ctx"))
        except QmsError as error:
            if call := peek_call():
                call.error = error
            raise ToolError(error.prose()) from error
        except (ToolError, MCPError):
            raise
        except ValidationError as wrong:
            # A tool puts its arguments together to options; what does not go together is the caller's to mend.
            if not wrong.title.endswith("Options"):
                raise ToolError(_fault(fn.__name__, wrong).prose()) from wrong
            refused = InvalidInputError(complaints(wrong), hint="Change these arguments or options.")
            if call := peek_call():
                call.error = refused
            raise ToolError(refused.prose()) from wrong
        except Exception as fault:
            raise ToolError(_fault(fn.__name__, fault).prose()) from fault

    return worded


def _fault(name: str, fault: Exception) -> InternalError:
    """Log what went wrong and return what is said of it."""
    call = peek_call()
    _log.error("%s failed, call %s", name, call.id if call else "unknown", exc_info=fault)
    error = InternalError(
        "Something went wrong inside qms-mcp.",
        hint=f"It is recorded as call {call.id}; its log (stderr) says more." if call else "",
    )
    if call:
        call.error = error
    return error


def complaints(wrong: ValidationError) -> str:
    """Return what is wrong with arguments in a sentence, each with the name it has."""
    found = wrong.errors(include_url=False, include_input=False)
    return "; ".join(_complaint(cast("dict[str, Any]", error)) for error in found) + "."


def _complaint(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in cast("tuple[Any, ...]", error["loc"]))
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{place}: {message[:1].lower()}{message[1:]}" if place else message


async def _compact(result: Any, ctx: Any) -> Any:
    """Return a model as one line of JSON with its images; the SDK would indent it, to twice the length."""
    if not isinstance(result, BaseModel):
        return result
    structured = result.model_dump(mode="json", by_alias=True)
    text = TextContent(type="text", text=to_json(structured).decode())
    meta = await app_meta_of(result, ctx)
    return CallToolResult(content=[text, *images_of(result)], structured_content=structured, _meta=meta)


def discover() -> list[ToolSpec]:
    """Return every tool there is, by toolset and name.

    Raises:
        RuntimeError: Two tools have one name.
    """
    package = importlib.import_module("qms_mcp.tools")
    found: dict[str, ToolSpec] = {}
    for module_info in pkgutil.iter_modules(package.__path__, "qms_mcp.tools."):
        module = importlib.import_module(module_info.name)
        for value in vars(module).values():
            spec = getattr(value, _ATTRIBUTE, None)
            if not isinstance(spec, ToolSpec) or value.__module__ != module.__name__:
                continue
            if spec.name in found:
                raise RuntimeError(f"two tools are called {spec.name}")
            found[spec.name] = spec
    return sorted(found.values(), key=lambda spec: (TOOLSETS.index(spec.toolset), spec.name))


def select(specs: Iterable[ToolSpec], *, toolsets: Iterable[str] = (), read_only: bool = False) -> list[ToolSpec]:
    """Return the tools of some toolsets (all when none is named), only reading ones if so wanted.

    Raises:
        InvalidInputError: A toolset does not exist.
    """
    wanted = list(toolsets)
    for name in wanted:
        if name not in TOOLSETS:
            raise InvalidInputError(f"There is no toolset {name!r}.", hint=nearest(name, TOOLSETS))
    return [spec for spec in specs if (not wanted or spec.toolset in wanted) and (spec.reads or not read_only)]


def nearest(wrong: str, right: Iterable[str]) -> str:
    """Return a hint that names what was probably meant, or else what there is."""
    names = sorted(right)
    close = get_close_matches(wrong, names, n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else f"There is: {', '.join(names)}."
