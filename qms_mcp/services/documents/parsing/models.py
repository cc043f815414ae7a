"""What comes out of a file, and what a file may cost."""

from pydantic import BaseModel, ConfigDict, Field

from qms_mcp.errors import InvalidInputError


class UnreadableFileError(InvalidInputError):
    """A file can't be read into text; others can still be.

    Args:
        reason: One word for programs: empty, too_large, encrypted, broken, unknown_type, no_text, too_many_pages,
            zip_bomb, too_long, timed_out, crashed.
        message: What is wrong, in a sentence.
        hint: What to do next.
    """

    def __init__(self, reason: str, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Limits(_Frozen):
    """What a file may cost before it is refused.

    Attributes:
        unpacked_bytes: All that is in a zip-based file (DOCX, XLSX, PPTX, ODT), unpacked.
        unpacked_ratio: How often its own size it may unpack to, once that is over 32 MB.
        characters: Of the Markdown.
        memory_bytes: Address space of the child; on systems without this limit only time limits it.
    """

    file_bytes: int = 100 * 1024 * 1024
    unpacked_bytes: int = 512 * 1024 * 1024
    unpacked_ratio: int = 150
    archive_entries: int = 20_000
    pages: int = 5_000
    seconds: float = 60
    characters: int = 20_000_000
    memory_bytes: int = 2 * 1024**3


DEFAULT = Limits()


class Requirement(_Frozen):
    """A sentence that says what shall, must or has to be done; char_start is its place in the Markdown."""

    text: str
    char_start: int


class Parsed(_Frozen):
    """A file as text.

    Attributes:
        markdown: The text: headings `#`, tables `|`; NFC, newlines alone, no control characters.
        pages: (char_start, page number) for each page or slide that has text, in order.
        language: ISO 639-1.
        media_type: By content.
        parser: What read it, with its version.
        revision: A whole number, when the file names one.
        metadata: What the file says of itself: author, created, subject, from, to...
        warnings: What a person should know: a guessed encoding, attachments left out, a name that misleads.
    """

    markdown: str
    pages: tuple[tuple[int, int], ...] = ()
    title: str | None = None
    language: str | None = None
    media_type: str
    parser: str
    document_number: str | None = None
    document_type: str | None = None
    revision: int | None = None
    requirements: tuple[Requirement, ...] = ()
    metadata: dict[str, str] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
