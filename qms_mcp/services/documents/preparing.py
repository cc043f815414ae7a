"""From bytes to what a document record will hold; nothing is written yet."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.documents.fetching import Fetched
from qms_mcp.services.documents.parsing import parse
from qms_mcp.services.documents.parsing.deriving import number_of
from qms_mcp.services.documents.parsing.models import Limits, Parsed, UnreadableFileError

_OURS = frozenset({"content", "content_sha256", "structure", "source", "external_id", "editors"})
_LONGEST_NAME = 255
_START, _HEAD = 3_000, 300
NUMBERLESS = "It has no document number"
_LABEL = re.compile(r"(?:no|number|nr|id|nummer)\b[.:#|\s]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that was read.

    Attributes:
        sha256: Of its bytes.
        given: Fields the caller gave; they win over what the file says.
        document_number: Given or found; None when neither.
        warnings: What the caller should know.
    """

    fetched: Fetched
    sha256: str
    parsed: Parsed
    given: Mapping[str, Any]
    document_number: str | None
    warnings: tuple[str, ...] = ()
    content_sha256: str = field(default="")

    @property
    def said_revision(self) -> int | None:
        """The revision the caller or the file names."""
        return whole(self.given.get("revision")) or self.parsed.revision

    def own_fields(self) -> dict[str, Any]:
        """Return what the file says of a document that has none before it."""
        title = self.parsed.title or self.fetched.file_name.rsplit(".", 1)[0] or "Document"
        found = {"title": title[:300], "document_type": self.parsed.document_type}
        return {name: value for name, value in found.items() if value}

    def content_fields(self) -> dict[str, Any]:
        """Return the text with its structure, and where it came from."""
        parsed = self.parsed
        structure = {
            "pages": [list(page) for page in parsed.pages],
            "language": parsed.language,
            "media_type": parsed.media_type,
            "parser": parsed.parser,
            "requirements": len(parsed.requirements),
            "title": parsed.title,
            "metadata": parsed.metadata,
        }
        return {
            "content": parsed.markdown,
            "structure": {name: value for name, value in structure.items() if value not in (None, [], {})},
            "source": {"kind": "file", "name": file_name_of(self.fetched), "sha256": self.sha256},
        }

    def file_fields(self, stored_as: str) -> dict[str, Any]:
        """Return the fields of its part `document_files`."""
        return {
            "role": "original",
            "file_name": file_name_of(self.fetched),
            "media_type": self.parsed.media_type,
            "byte_count": len(self.fetched.content),
            "sha256": self.sha256,
            "stored_as": stored_as,
            "pages": max((page for _, page in self.parsed.pages), default=None),
            "language": self.parsed.language,
            "parser": self.parsed.parser,
            "ingested_from": _printable(self.fetched.origin),
        }


def whole(given: object) -> int | None:
    """Return a revision somebody gave as a number or its digits."""
    return int(str(given)) if str(given).isdecimal() else None


def sha256_of(content: bytes) -> str:
    """Return the sha256 of bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def check_fields(fields: Mapping[str, Any]) -> None:
    """Refuse fields that come out of the file.

    Raises:
        InvalidInputError: One of them does.
    """
    wrong = sorted(_OURS & set(fields))
    if wrong:
        raise InvalidInputError(
            f"{', '.join(wrong)}: that comes from the file and can't be given.",
            hint="Give document_number, title, document_type, owner_id, training_required, review_every_months, tags.",
        )


async def prepared(fetched: Fetched, given: Mapping[str, Any], limits: Limits, *, numbered: bool = True) -> Prepared:
    """Read a file.

    Args:
        fetched: Its bytes.
        given: Fields the caller gives.
        limits: What it may cost.
        numbered: Look for its document number; not where the document is known.

    Raises:
        UnreadableFileError: It can't be read.
        InvalidInputError: It names several document numbers.
    """
    parsed = await parse(fetched.content, fetched.file_name, limits=limits)
    warnings = list(parsed.warnings)
    number: str | None = None
    if given.get("document_number"):
        number = " ".join(str(given["document_number"]).split())
    elif numbered:
        number = own_number(parsed, fetched.file_name)
        if number is None:
            warnings.append(_numberless(parsed.document_number))
    return Prepared(
        fetched,
        sha256_of(fetched.content),
        parsed,
        given,
        number,
        tuple(warnings),
        sha256_of(parsed.markdown.encode("utf-8", "replace")),
    )


def own_number(parsed: Parsed, file_name: str) -> str | None:
    """Return the document number a file has itself; None for one it only mentions.

    Raises:
        UnreadableFileError: Its text and its name say different ones.
    """
    named, said = number_of("", file_name), parsed.document_number
    if said is None or (said != named and _only_mentioned(parsed.markdown, said)):
        return named
    if named is not None and _bare(named) != _bare(said):
        raise UnreadableFileError(
            "which_number",
            f"Its text says it is {said}, its name says {named}.",
            hint="Ask which it is, and ingest it with fields: document_number.",
        )
    return said


def _only_mentioned(markdown: str, number: str) -> bool:
    """Say whether a number stands in the running text alone: not at its head, not behind a label, in no page header."""
    spelt = re.compile(re.escape(number).replace(r"\-", "[-_ ]"), re.IGNORECASE)
    places = [found.start() for found in spelt.finditer(markdown[:_START])]
    return bool(places) and all(
        place > _HEAD and not _LABEL.search(markdown[max(0, place - 30) : place]) for place in places
    )


def _numberless(mentioned: str | None) -> str:
    advice = "set it with update_record (fields: document_number), then it has versions"
    if mentioned:
        return f"{NUMBERLESS} of its own; it mentions {mentioned}. If it has one, {advice}."
    return f"{NUMBERLESS}. If it has one, {advice}."


def file_name_of(fetched: Fetched) -> str:
    """Return the name of a file as a record can hold it: one line, without folders."""
    last = fetched.file_name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return _printable(last)[-_LONGEST_NAME:] or "document"


def _printable(text: str) -> str:
    whole = text.encode("utf-8", "replace").decode()
    return "".join(letter for letter in whole if letter.isprintable()).strip()


def _bare(number: str) -> str:
    return re.sub(r"[\W_]", "", number).upper()
