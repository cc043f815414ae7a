"""Typing errors: the query again, with words that the caller's own collection has."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_WORD = re.compile(r"[^\W\d_]{3,}")
_MOST_LENGTH = 200


def better_query(asked: str, rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the query with its unknown words replaced; None when none is, or when it is too long to read again."""
    spelt: Mapping[str, str] = rows[0]["spelt"] or {}
    if not spelt or len(asked) > _MOST_LENGTH:
        return None
    texts = [f"{row['title']} {row['heading']} {row['content']}" for row in rows if row["place"] is not None]
    replaced = asked
    for wrong, stem in spelt.items():
        word = next((found for found in _WORD.findall(asked) if found.lower().startswith(wrong)), None)
        word = word or next((found for found in _WORD.findall(asked) if wrong.startswith(found.lower()[:4])), None)
        if word is not None:
            replaced = replaced.replace(word, word_of(stem, texts))
    return replaced if replaced != asked else None


def word_of(stem: str, texts: Iterable[str]) -> str:
    """Return the shortest word of some texts that a stem is the beginning of; else the stem itself."""
    # `calibri` is the stem of calibrate as well as of calibration: the last letter may differ.
    beginning = stem[:-1] if len(stem) > 4 else stem  # noqa: PLR2004 - of shorter ones it would be half
    words = {word.lower() for text in texts for word in _WORD.findall(text)}
    fitting = sorted((word for word in words if word.startswith(beginning)), key=lambda word: (len(word), word))
    exact = [word for word in fitting if word.startswith(stem)]
    return next(iter(exact or fitting), stem)
