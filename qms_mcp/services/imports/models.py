"""What an import reports."""

from pydantic import BaseModel

_EXAMPLES = 5


class Example(BaseModel):
    """One row that was skipped."""

    line: int
    external_id: str | None = None
    detail: str = ""


class SkippedRows(BaseModel):
    """Rows that were skipped for the same reason, and the first of them."""

    count: int = 0
    examples: list[Example] = []


class ImportReport(BaseModel):
    """What became of a file.

    Attributes:
        read: Rows in it.
        added: Records that were added; in a trial, that would be.
        there_already: Rows whose record exists.
        skipped: Rows that were not used, by reason.
        first: The number of the first record.
        last: The number of the last one.
        trial: Nothing was kept.
    """

    file: str
    sha256: str
    map: str
    category: str
    read: int = 0
    added: int = 0
    there_already: int = 0
    skipped: dict[str, SkippedRows] = {}
    first: str | None = None
    last: str | None = None
    trial: bool = False
    seconds: float = 0.0

    @property
    def skipped_rows(self) -> int:
        """Return how many rows were skipped."""
        return sum(one.count for one in self.skipped.values())

    def skip(self, reason: str, example: Example) -> None:
        """Count a row that is not used."""
        entry = self.skipped.setdefault(reason, SkippedRows())
        entry.count += 1
        if len(entry.examples) < _EXAMPLES:
            entry.examples.append(example)
