"""Bytes of text into text: what they say of themselves first, then what they can be."""

import codecs

from qms_mcp.services.documents.parsing.refusals import RefusedError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the first half of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded(content: bytes, *, named: str | None = None) -> tuple[str, list[str]]:
    """Return the text of bytes, and a warning when its encoding was guessed.

    Args:
        content: The bytes.
        named: The encoding the file itself names.

    Raises:
        RefusedError: It is marked as Unicode and is not.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _marked(content, encoding)
    if _wide(content):
        encoding = "utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be"
        return content.decode(encoding, "replace"), [f"Encoding guessed: {encoding.upper()}; it is not marked."]
    try:
        return content.decode("utf-8"), []
    except UnicodeDecodeError:
        return _eight_bits(content, named)


def _marked(content: bytes, encoding: str) -> tuple[str, list[str]]:
    try:
        return content.decode(encoding), []
    except UnicodeDecodeError:
        text = content.decode(encoding, "replace")
        if text.count("\ufffd") > len(text) / 20:
            raise RefusedError("broken", f"it is marked as {encoding.upper()} and is not") from None
        return text, [f"Some characters are not {encoding.upper()} and were replaced by \ufffd."]


def _wide(content: bytes) -> bool:
    zeros = content.count(0)
    return (
        len(content) > 1
        and zeros > len(content) / 5
        and min(content[::2].count(0), content[1::2].count(0)) < zeros / 20
    )


def _eight_bits(content: bytes, named: str | None) -> tuple[str, list[str]]:
    if named:
        try:
            return content.decode(named), []
        except (LookupError, UnicodeDecodeError):
            pass  # it names what does not exist or what it is not
    try:
        text, encoding = content.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        text, encoding = content.decode("latin-1"), "ISO 8859-1"
    return text, [f"Encoding guessed: {encoding}; it is not UTF-8. Check accents and signs."]
