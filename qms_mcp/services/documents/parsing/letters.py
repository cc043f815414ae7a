"""E-mails: headers become metadata and the first lines, the body the text; attachments are named, not read."""

from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from typing import cast

from qms_mcp import __version__
from qms_mcp.services.documents.parsing.encodings import decoded
from qms_mcp.services.documents.parsing.marks import one_line, tidy, without_headings
from qms_mcp.services.documents.parsing.reading import Draft
from qms_mcp.services.documents.parsing.refusals import RefusedError

_HEADERS = ("From", "To", "Cc", "Date", "Subject", "Message-ID", "In-Reply-To")


def read_letter(content: bytes) -> Draft:
    """Read an e-mail (RFC 5322)."""
    letter = message_from_bytes(content, policy=policy.default)
    headers = {name: said for name in _HEADERS if (said := _header(letter, name))}
    warnings: list[str] = []
    text = _body(letter, warnings)
    attached = [one_line(part.get_filename() or part.get_content_type()) for part in _attachments(letter)]
    if attached:
        warnings.append(f"Attachments are not read; ingest them by themselves: {', '.join(attached)}.")
    subject = headers.get("Subject")
    shown = "\n".join(f"{name}: {said}" for name, said in headers.items() if name in _HEADERS[:4])
    marked = "\n\n".join(part for part in (f"# {subject}" if subject else "", shown, text) if part)
    metadata = {name.lower(): said for name, said in headers.items()}
    return Draft(marked, f"qms-mcp {__version__}", subject, metadata, warnings)


def _header(letter: EmailMessage, name: str) -> str:
    try:
        return one_line(str(letter.get(name, "")))
    except (ValueError, IndexError, AttributeError, TypeError):  # the standard library fails on some malformed headers
        return ""


def _attachments(letter: EmailMessage) -> list[MIMEPart]:
    return [
        cast("MIMEPart", part)
        for part in letter.walk()
        if not part.is_multipart() and (part.get_filename() or part.get_content_disposition() == "attachment")
    ]


def _body(letter: EmailMessage, warnings: list[str]) -> str:
    part = letter.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    text, guessed = decoded(raw, named=part.get_content_charset())
    warnings += guessed
    if part.get_content_type() == "text/html":
        from qms_mcp.services.documents.parsing.office import html_text  # noqa: PLC0415 - few letters are HTML alone

        try:
            return html_text(text)
        except RefusedError:
            warnings.append("Its HTML body can't be read.")
            return ""
    return without_headings(tidy(text).replace("\f", "\n"))
