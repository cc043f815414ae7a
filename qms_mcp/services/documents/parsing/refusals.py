"""Why a file is not read, and what a person can do about it.

The child names a reason and perhaps a detail; the words are chosen here, so no text of a parser (paths, addresses,
pieces of the file) reaches anyone.
"""

_WORDS: dict[str, tuple[str, str]] = {
    "empty": ("is empty (0 bytes)", "Check the copy or the download and try again."),
    "too_large": ("is too large: {detail}", "Split it, or raise QMS_INGEST_MAX_MEGABYTES."),
    "encrypted": ("is protected by a password", "Save a copy without the password and ingest that."),
    "broken": ("is broken: {detail}", "Open it in the program it was made with, save it again and try that file."),
    "unknown_type": (
        "can't be read: {detail}",
        "PDF, DOCX, XLSX, PPTX, ODT, RTF, HTML, Markdown, text, CSV and e-mail (.eml, .msg) can be.",
    ),
    "no_text": (
        "has no text in it: {detail}",
        "Character recognition (OCR) is not done here: run it first, or ingest the text.",
    ),
    "too_many_pages": ("has too many pages: {detail}", "Split it into parts."),
    "zip_bomb": ("unpacks to far more than a document holds: {detail}", "Find out where it came from; don't open it."),
    "too_long": ("holds too much text: {detail}", "Split it into parts."),
    "timed_out": ("could not be read in time: {detail}", "Save it again in another format, or split it."),
    "crashed": (
        "made the program that reads it stop: {detail}",
        "Open it in the program it was made with, save it again, or convert it to PDF.",
    ),
}


class RefusedError(Exception):
    """The child does not read this file.

    Args:
        reason: A key of the words above.
        detail: Figures or a type, in words of this project.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def worded(reason: str, detail: str, file_name: str) -> tuple[str, str]:
    """Return message and hint for a reason."""
    message, hint = _WORDS.get(reason, _WORDS["crashed"])
    return f"{file_name} {message.format(detail=detail or 'no more is known')}.", hint
