"""Whether an answer speaks to whoever grades it, by rule: no model has to be trusted to notice.

Looked at is the text as it is, without invisible characters and look-alike letters, and what is encoded in it (Base64,
hexadecimal, percent signs, rot13, letters spelled apart or backwards). The rules are about telling a grader what to
do, in several languages; that an agent reports such a text it found is the one harmless case, so whoever asks compares
with the reference answer, which then has it too.
"""

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from urllib.parse import unquote

_LONGEST = 60_000
_LEAST_ENCODED = 16
_BASE64 = re.compile(rf"[A-Za-z0-9+/_-]{{{_LEAST_ENCODED},}}={{0,2}}")
_HEX = re.compile(rf"(?:[0-9a-fA-F]{{2}}[\s:]?){{{_LEAST_ENCODED},}}")
_SPELLED = re.compile(r"\b(?:\w[ .\-_*]){6,}\w\b")
_ESCAPED = re.compile(r"\\+u([0-9a-fA-F]{4})")
# Cyrillic and Greek letters that look like Latin ones.
_LOOK_ALIKES = str.maketrans("аеорсухіѕԁһοανκ", "aeopcyxisdhoavk")
_PLAIN_RULE = re.compile(
    r"ignore(?:all|the|previous|above|your)*(?:instructions|rubric|rules)|(?:give|rate|score)(?:this|it|me)\w{0,20}"
    r"(?:maximum|fullmarks|perfect|highest|10)|deargrader|dearjudge"
)


@cache
def _rule() -> re.Pattern[str]:
    lines = files("qms_mcp.services.learning.judging").joinpath("grader_words.txt").read_text(encoding="utf-8")
    rules = [line for line in lines.splitlines() if line and not line.startswith("#")]
    return re.compile("|".join(f"(?:{rule})" for rule in rules), re.IGNORECASE | re.MULTILINE)


def speaks_to_grader(text: str) -> str:
    """Return the words of a text that speak to whoever grades it, or nothing.

    Args:
        text: Of an answer; of a long one the beginning and the end are looked at.
    """
    if len(text) > 2 * _LONGEST:
        text = f"{text[:_LONGEST]}\n{text[-_LONGEST:]}"
    for form in _forms(text):
        found = _rule().search(form)
        if found:
            return " ".join(found[0].split())[:120]
    found = _PLAIN_RULE.search(_bare(text)) or _PLAIN_RULE.search(_bare(text)[::-1])
    return found[0][:120] if found else ""


def _forms(text: str) -> Iterator[str]:
    plain = _plain(text)
    yield plain
    yield plain.translate(_LOOK_ALIKES)
    yield codecs.decode(plain, "rot13")
    for found in _BASE64.finditer(text):
        yield from _decoded(found[0])
    for found in _HEX.finditer(text):
        with_bytes = re.sub(r"[\s:]", "", found[0])
        yield _plain(bytes.fromhex(with_bytes[: len(with_bytes) // 2 * 2]).decode(errors="ignore"))
    if "%" in text:
        yield _plain(unquote(text))
    for found in _SPELLED.finditer(text):
        yield _plain(re.sub(r"[ .\-_*]", "", found[0]))


def _plain(text: str) -> str:
    """Return a text with its escapes read, its characters in one form and invisible ones left out."""
    read = _ESCAPED.sub(lambda one: chr(int(one[1], 16)), text).replace("\\n", "\n").replace("\\t", " ")
    normal = unicodedata.normalize("NFKC", read)
    return "".join(one for one in normal if unicodedata.category(one) not in {"Cf", "Cs", "Co"})


def _decoded(piece: str) -> Iterator[str]:
    padded = piece.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        raw = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except binascii.Error:
        return
    yield _plain(raw.decode(errors="ignore"))


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", _plain(text).translate(_LOOK_ALIKES).casefold())
