"""From bytes to a text with its pages: what kind of file it is, who reads it, what is made of the result.

A reader returns Markdown in which the start of each page is marked (`marks`); the marks are lifted out at the end, so
a position of a page is exact whatever was tidied before.
"""

from dataclasses import dataclass, field

from qms_mcp.services.documents.parsing import deriving, kinds
from qms_mcp.services.documents.parsing.archives import check_archive
from qms_mcp.services.documents.parsing.marks import lift_marks, tidy_blanks
from qms_mcp.services.documents.parsing.refusals import RefusedError


@dataclass(frozen=True)
class Allowed:
    """The limits as the child gets them; see `models.Limits`."""

    file_bytes: int
    unpacked_bytes: int
    unpacked_ratio: int
    archive_entries: int
    pages: int
    seconds: float
    characters: int
    memory_bytes: int


@dataclass
class Draft:
    """What a reader makes of a file: Markdown with page marks.

    Attributes:
        furniture: Lines that ran through the pages and were taken out; number and revision often stand there.
        titled: Whether a person gave the title on purpose, as in front matter.
    """

    marked: str
    parser: str
    title: str | None = None
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    warnings: list[str] = field(default_factory=list[str])
    furniture: str = ""
    titled: bool = False


@dataclass
class Answer:
    """What the child answers; `models.Parsed` without its types."""

    markdown: str
    pages: list[tuple[int, int]]
    title: str | None
    language: str | None
    media_type: str
    parser: str
    document_number: str | None
    document_type: str | None
    revision: int | None
    requirements: list[dict[str, str | int]]
    metadata: dict[str, str]
    warnings: list[str]


def read(content: bytes, file_name: str, allowed: Allowed) -> Answer:
    """Read a file.

    Raises:
        RefusedError: It can't be read.
    """
    kind = kinds.kind_of(content, file_name)
    if kind.zipped:
        check_archive(content, allowed)
    draft = _draft(kind.name, content, file_name, allowed)
    markdown, pages = lift_marks(tidy_blanks(draft.marked))
    if not any(c.isalnum() for c in markdown):
        raise RefusedError("no_text", "it holds only pictures or nothing" if kind.name == "pdf" else "it is blank")
    if len(markdown) > allowed.characters:
        raise RefusedError("too_long", f"{len(markdown):,} characters of {allowed.characters:,} allowed")
    if kind.misnamed:
        misled = f"The name ends with {kind.misnamed}, the content is {kind.label}; the content decides."
        draft.warnings.insert(0, misled)
    if draft.furniture:
        shown = "; ".join(draft.furniture.split("\n"))
        draft.warnings.append(f"Left out as running headers and footers: {shown[:300]}")
    return _derived(markdown, pages, draft, kind.media_type, file_name)


def _draft(kind: str, content: bytes, file_name: str, allowed: Allowed) -> Draft:
    # Each reader brings its library; a file needs one of them.
    if kind == "pdf":
        from qms_mcp.services.documents.parsing.pdf import read_pdf  # noqa: PLC0415

        return read_pdf(content, allowed)
    if kind == "eml":
        from qms_mcp.services.documents.parsing.letters import read_letter  # noqa: PLC0415

        return read_letter(content)
    if kind in {"text", "markdown", "csv"}:
        from qms_mcp.services.documents.parsing.plain import read_plain  # noqa: PLC0415

        return read_plain(content, kind, file_name, allowed)
    from qms_mcp.services.documents.parsing.office import read_office  # noqa: PLC0415

    return read_office(content, kind, allowed)


def _derived(markdown: str, pages: list[tuple[int, int]], draft: Draft, media_type: str, file_name: str) -> Answer:
    start = f"{markdown[:3_000]}\n{draft.furniture}"
    number = deriving.number_of(start, file_name)
    title = deriving.title_of(markdown, draft.title, trusted=draft.titled)
    return Answer(
        markdown=markdown,
        pages=pages,
        title=title,
        language=deriving.language_of(markdown),
        media_type=media_type,
        parser=draft.parser,
        document_number=number,
        document_type=deriving.type_of(number, title),
        revision=deriving.revision_of(start, file_name),
        requirements=deriving.requirements_of(markdown),
        metadata=deriving.clean_metadata(draft.metadata),
        warnings=draft.warnings,
    )
