"""What kind of file this is, by what is in it.

The ending of the name decides only where content can't: whether text is Markdown, CSV or plain. An ending that belongs
to another kind is told as a warning, never believed.
"""

import io
import re
import zipfile
from dataclasses import dataclass

from qms_mcp.services.documents.parsing.refusals import RefusedError

_OOXML = "application/vnd.openxmlformats-officedocument."
_MEDIA_TYPES = {
    "pdf": "application/pdf",
    "docx": _OOXML + "wordprocessingml.document",
    "xlsx": _OOXML + "spreadsheetml.sheet",
    "pptx": _OOXML + "presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "rtf": "application/rtf",
    "html": "text/html",
    "eml": "message/rfc822",
    "msg": "application/vnd.ms-outlook",
    "markdown": "text/markdown",
    "csv": "text/csv",
    "text": "text/plain",
}
_LABELS = {
    "pdf": "a PDF",
    "docx": "a Word document",
    "xlsx": "an Excel workbook",
    "pptx": "a PowerPoint file",
    "odt": "an OpenDocument text",
    "rtf": "rich text",
    "html": "HTML",
    "eml": "an e-mail",
    "msg": "an Outlook message",
    "markdown": "Markdown",
    "csv": "CSV",
    "text": "plain text",
}
_ENDINGS = {
    "pdf": "pdf", "docx": "docx", "docm": "docx", "dotx": "docx", "xlsx": "xlsx", "xlsm": "xlsx", "pptx": "pptx",
    "pptm": "pptx", "odt": "odt", "rtf": "rtf", "html": "html", "htm": "html", "xhtml": "html", "eml": "eml",
    "msg": "msg", "md": "markdown", "markdown": "markdown", "csv": "csv", "tsv": "csv", "txt": "text", "text": "text",
    "doc": "doc", "xls": "xls", "ppt": "ppt", "exe": "exe", "png": "png", "jpg": "jpg", "jpeg": "jpg", "zip": "zip",
}  # fmt: skip
_FOREIGN = (
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\x89PNG", "a picture (PNG); a picture needs OCR, which is not done here"),
    (b"\xff\xd8\xff", "a picture (JPEG); a picture needs OCR, which is not done here"),
    (b"GIF8", "a picture (GIF)"),
    (b"II*\x00", "a picture (TIFF); a picture needs OCR, which is not done here"),
    (b"MM\x00*", "a picture (TIFF); a picture needs OCR, which is not done here"),
    (b"\x1f\x8b", "a compressed archive (gzip); unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "an archive (7z); unpack it first"),
    (b"Rar!", "an archive (RAR); unpack it first"),
    (b"BZh", "a compressed archive (bzip2); unpack it first"),
    (b"\xfd7zXZ\x00", "a compressed archive (xz); unpack it first"),
    (b"SQLite format 3", "a database"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")
_HTML = re.compile(
    rb"(?:\s|<!--.*?-->|<\?xml[^>]*>)*<(?:!doctype\s+html|html|head|body|h[1-6]|div|table|p|title|meta)\b",
    re.IGNORECASE | re.DOTALL,
)
_HEADER = re.compile(rb"[A-Za-z][A-Za-z0-9-]{1,60}:[ \t]?[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*")
_OF_LETTERS = {b"from", b"to", b"subject", b"date", b"received", b"message-id", b"mime-version", b"return-path"}
_ATX = re.compile(rb"^#{1,6} +\S", re.MULTILINE)


@dataclass(frozen=True)
class Kind:
    """The kind of a file; `misnamed` is the ending of its name when that says another kind."""

    name: str
    misnamed: str | None = None

    @property
    def media_type(self) -> str:
        """Return its media type."""
        return _MEDIA_TYPES[self.name]

    @property
    def label(self) -> str:
        """Return what people call it."""
        return _LABELS[self.name]

    @property
    def zipped(self) -> bool:
        """Whether it is a zip archive."""
        return self.name in {"docx", "xlsx", "pptx", "odt"}


def kind_of(content: bytes, file_name: str) -> Kind:
    """Return the kind of a file.

    Raises:
        RefusedError: It is of no kind that can be read.
    """
    ending = file_name.rsplit(".", 1)[-1].lower() if "." in file_name else ""
    named = _ENDINGS.get(ending)
    found = _binary_kind(content) or _text_kind(content, named)
    texts = {"text", "markdown", "csv", None}
    misnamed = named is not None and named != found and not (named in texts and found in texts)
    return Kind(found, f".{ending}" if misnamed else None)


def _binary_kind(content: bytes) -> str | None:
    if b"%PDF-" in content[:1024]:
        return "pdf"
    if content.startswith(b"PK\x03\x04"):
        return _zip_kind(content)
    if content.startswith(_OLE):
        return _ole_kind(content)
    if content.startswith(b"{\\rtf"):
        return "rtf"
    for magic, what in _FOREIGN:
        if content.startswith(magic):
            raise RefusedError("unknown_type", f"it is {what}")
    return None


def _zip_kind(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        raise RefusedError("broken", "its zip directory can't be read; perhaps the copy is cut off") from None
    if "[Content_Types].xml" in names:
        for folder, kind in (("word/", "docx"), ("xl/", "xlsx"), ("ppt/", "pptx")):
            if any(name.startswith(folder) for name in names):
                return kind
    # The first entry of an OpenDocument file is its media type, stored plain.
    if content[30:38] == b"mimetype" and content[38:].startswith(_MEDIA_TYPES["odt"].encode()):
        return "odt"
    raise RefusedError("unknown_type", "it is a zip archive, not a document; unpack it first")


def _ole_kind(content: bytes) -> str:
    def holds(name: str) -> bool:
        return name.encode("utf-16-le") in content

    if holds("EncryptedPackage"):
        raise RefusedError("encrypted")
    if holds("__substg1.0_"):
        return "msg"
    raise RefusedError("unknown_type", "it is of an Office before 2007; save it as .docx, .xlsx or .pptx")


def _text_kind(content: bytes, named: str | None) -> str:
    start = content[: 256 * 1024]
    if not start.startswith(_BOMS):
        _refuse_binary(start)
    if _HTML.match(start.removeprefix(b"\xef\xbb\xbf")):
        return "html"
    if named == "eml" or _is_letter(start):
        return "eml"
    if named in {"markdown", "csv"}:
        return named
    return "markdown" if len(_ATX.findall(start)) > 1 else "text"


def _refuse_binary(start: bytes) -> None:
    controls = sum(start.count(code) for code in range(32) if code not in {9, 10, 12, 13, 27})
    zeros = start.count(0)
    wide = (
        zeros > len(start) / 5 and min(start[::2].count(0), start[1::2].count(0)) < zeros / 20
    )  # UTF-16 without a mark
    if controls > max(8, len(start) / 20) and not wide:
        raise RefusedError("unknown_type", "it is neither text nor a known kind of document")


def _is_letter(start: bytes) -> bool:
    names: set[bytes] = set()
    at = 0
    while header := _HEADER.match(start, at):
        names.add(header.group().split(b":", 1)[0].lower())
        at = header.end()
    return len(names & _OF_LETTERS) > 2 and start[at : at + 1] in {b"\r", b"\n", b""}  # noqa: PLR2004 - three of them
