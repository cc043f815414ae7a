"""Texts that stand where something should be said."""

import re
import unicodedata

# The whole text is one of these, whatever stands around it.
_WHOLE = frozenset({
    "na", "n a", "none", "nil", "tbd", "tba", "tbc", "todo", "fixme", "x", "xx", "xxx", "xxxx", "test", "asdf",
    "qwerty", "foo", "bar", "dummy", "placeholder", "sample text", "to be defined", "to be determined", "to be done",
    "to be completed", "to follow", "see above", "see below", "pending", "unknown", "empty", "blank", "same",
    "not applicable", "not available", "null", "undefined", "ok", "done", "etc", "abc", "text", "description",
    "keine angabe", "k a", "entfällt", "noch offen", "offen", "néant", "sans objet", "por definir", "da definire",
})  # fmt: skip
# Somewhere in a text; what stands there is plainly unfinished.
_INSIDE = re.compile(
    r"\b(?:TBD|TBC|TBA|TODO|FIXME|X{3,})\b"
    r"|\blorem ipsum\b|\bto be (?:defined|determined|completed|added|inserted)\b"
    r"|[<\[{](?:insert|enter|fill in|add|your|click)\b[^>\]}\n]{0,80}[>\]}]|\?{3,}",
    re.IGNORECASE,
)
_SHORT = 40


def placeholder_in(text: str) -> str | None:
    """Return what of a text is a placeholder, or nothing."""
    plain = _plain(text)
    if not text.strip():
        return None
    if not plain or (len(plain) <= _SHORT and plain in _WHOLE) or _repeats(plain):
        return text.strip()[:_SHORT]
    found = _INSIDE.search(text)
    return found[0][:_SHORT] if found else None


def _plain(text: str) -> str:
    """Return letters and digits in lower case, everything else as one space."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(letter if letter.isalnum() else " " for letter in folded).split())


def _repeats(plain: str) -> bool:
    """Return whether a text of some length is one letter again and again."""
    letters = set(plain.replace(" ", ""))
    return len(plain) > 2 and len(letters) == 1 and plain[0].isalpha()  # noqa: PLR2004 - "oo" may mean something
