"""The text under review: its statements, and the statements inside its routines."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from qms_mcp.sqltext import Statement, split_statements
from qms_mcp.sqltext.plpgsql import Piece
from qms_mcp.sqltext.routines import Routine, read_routine


@dataclass(frozen=True)
class Spot:
    """A statement, and where it stands.

    Attributes:
        statement: The statement.
        code: All of the text.
        routine: The routine it is in; none at the top.
        piece: What it is in a PL/pgSQL body.
    """

    statement: Statement
    code: "Code"
    routine: Routine | None = None
    piece: Piece | None = None


@dataclass(frozen=True)
class Code:
    """A text, cut into what rules look at."""

    text: str
    statements: tuple[Statement, ...]

    @classmethod
    def read(cls, text: str) -> "Code":
        """Cut a text into statements.

        Raises:
            InvalidInputError: A quote or a comment is never closed.
            LimitExceededError: It is too long.
        """
        return cls(text, tuple(split_statements(text)))

    @cached_property
    def routines(self) -> tuple[Routine, ...]:
        """Return the functions, procedures and DO blocks."""
        return tuple(routine for statement in self.statements if (routine := read_routine(statement)))

    @cached_property
    def spots(self) -> tuple[Spot, ...]:
        """Return every statement at the top and inside of routines."""
        return tuple(self._spots())

    def _spots(self) -> Iterator[Spot]:
        for statement in self.statements:
            yield Spot(statement, self)
        for routine in self.routines:
            if routine.pieces:
                for piece in routine.pieces:
                    if piece.embedded is not None:
                        yield Spot(piece.embedded, self, routine, piece)
            else:
                for statement in routine.statements:
                    yield Spot(statement, self, routine)
