"""What a step of the demo is made of; the steps themselves are in `job` and `safety`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

Expected: TypeAlias = Literal["answer", "refusal"]
Answer: TypeAlias = Mapping[str, Any]


@dataclass
class Memory:
    """What earlier steps found out, for later ones to build on."""

    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])

    def of(self, tool: str) -> Answer:
        """Return the last answer of a tool; empty when there was none."""
        return self.answers.get(tool, {})


Arguments: TypeAlias = Callable[[Memory], Mapping[str, Any]]
Check: TypeAlias = Callable[[Answer, Memory], bool]


@dataclass(frozen=True, slots=True)
class Step:
    """A question, the call that answers it, and what has to come back.

    Attributes:
        asks: The question in plain words.
        arguments: The arguments, or how to make them from earlier answers.
        expects: Whether an answer or a refusal is what should happen.
        check: Whether the answer is the expected one.
        why: What to see in the answer.
    """

    asks: str
    tool: str
    arguments: Mapping[str, Any] | Arguments = field(default_factory=dict[str, Any])
    expects: Expected = "answer"
    check: Check | None = None
    why: str = ""

    def arguments_for(self, memory: Memory) -> Mapping[str, Any]:
        """Return the arguments of this call."""
        return self.arguments(memory) if callable(self.arguments) else self.arguments


@dataclass(frozen=True, slots=True)
class Chapter:
    """Steps that belong together."""

    title: str
    steps: tuple[Step, ...]


def rows_of(answer: Answer) -> list[Any]:
    """Return the rows of a table, whatever the tool calls them."""
    found: Any = next((answer[key] for key in ("rows", "objects", "migrations", "rules") if key in answer), None)
    return list(cast("list[Any]", found)) if isinstance(found, list) else []
