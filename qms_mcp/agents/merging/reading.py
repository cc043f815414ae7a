"""Reading a statement: what it must have in common with another before the two may be one.

Numbers, numbers of records and polarity are read apart from the words. Two statements that differ in any of them are
different statements, however alike they sound; only what is left is compared by likeness.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from math import inf, isfinite

from qms_mcp.agents.merging.quantities import canonical
from qms_mcp.agents.merging.wording import AXIS, COUNTED, EMPTY, GENERAL, NEGATIONS, NO_NAMES, PHRASES, SAME, UNITS

_TOKEN = re.compile(r"(?<!\w)[-+\u2212]?\d+(?:[.,]\d+)*(?![\w-])|§?\w+(?:[-./:]\w+)*")
_NUMBER = re.compile(r"[-+]?\d[\d.,]*\Z")
_LISTING = frozenset(("and", "or", "und", "et"))
_REACH = 3  # words a negation reaches forward


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says, apart from how it says it.

    Attributes:
        normal: Its words, without case, punctuation and spaces.
        quantities: Its numbers with their units, in their order.
        named: Numbers of records and other identifiers; those of an enumeration are sorted.
        negated: Whether what it says is turned round once more than its axes tell.
        axes: Which side of which axis it is on; 0 where it names both.
        names: Names of its own: of a supplier, a line, a person.
        content: Stems of the words that carry it.
    """

    normal: str
    quantities: tuple[str, ...]
    named: tuple[str, ...]
    negated: bool
    axes: frozenset[tuple[str, int]]
    names: frozenset[str]
    content: tuple[str, ...]


@lru_cache(maxsize=16_384)
def read(text: str) -> Reading:
    """Read a text."""
    plain = unicodedata.normalize("NFKC", text)
    words = _words(plain)
    axes, negated = _polarity(words)
    return Reading(
        normal=" ".join(words),
        quantities=_quantities(words),
        named=_named(words),
        negated=negated,
        axes=axes,
        names=_names(plain),
        content=tuple(_content(words)),
    )


def topics(text: str) -> frozenset[str]:
    """Return the stems of a subject or a measure, without words that say nothing about which one it is."""
    words = _words(unicodedata.normalize("NFKC", text).replace("_", " "))
    stems = frozenset(stem(word) for word in words)
    return frozenset(one for one in stems if one not in GENERAL) or stems


def stem(word: str) -> str:
    """Return a word without the commonest endings, or the word that stands for it."""
    if word in SAME:
        return SAME[word]
    short = word
    for ending, rest in (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):  # noqa: PLR2004 - letters
            short = word[: -len(ending)] + rest
            break
    return SAME.get(short, SAME.get(short + "e", short.removesuffix("e")))


def _words(plain: str) -> list[str]:
    folded = plain.casefold()
    for pattern, said in PHRASES:
        folded = pattern.sub(said, folded)
    words: list[str] = []
    for token in (match.group() for match in _TOKEN.finditer(folded)):
        number = token.replace("\u2212", "-")
        words.append(canonical(number) if _NUMBER.match(number) else COUNTED.get(token, token))
    return words


def _is_identifier(word: str) -> bool:
    return any(letter.isdigit() for letter in word) and not _NUMBER.match(word)


def _quantities(words: list[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for place, word in enumerate(words):
        if not _NUMBER.match(word):
            continue
        unit = UNITS.get(words[place + 1]) if place + 1 < len(words) else None
        found[_in_base(word, unit) if unit else word] = None
    return tuple(found)


def _in_base(word: str, unit: tuple[str, float]) -> str:
    try:
        number = float(word)
    except ValueError:  # 1,2,3
        number = inf
    return f"{number * unit[1]:.9g} {unit[0]}" if isfinite(number) else f"{word} {unit[0]}"


def _named(words: list[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    run: list[str] = []
    for word in [*words, ""]:
        if _is_identifier(word):
            run.append(word)
        elif word not in _LISTING:
            found.update(dict.fromkeys(sorted(run)))
            run = []
    return tuple(found)


def _polarity(words: list[str]) -> tuple[frozenset[tuple[str, int]], bool]:
    waiting: list[int] = []
    loose = 0
    signs: dict[str, set[int]] = {}
    for place, word in enumerate(words):
        if word in NEGATIONS:
            waiting.append(place)
            continue
        axis = AXIS.get(word)
        if axis is None:
            continue
        sign = axis[1]
        while waiting:  # each negation is used up by the first axis it reaches
            if place - waiting.pop() <= _REACH:
                sign = -sign
            else:
                loose += 1
        signs.setdefault(axis[0], set()).add(sign)
    axes = frozenset((axis, found.pop() if len(found) == 1 else 0) for axis, found in signs.items())
    return axes, (loose + len(waiting)) % 2 == 1


def _names(plain: str) -> frozenset[str]:
    found: set[str] = set()
    for sentence in re.split(r"[.!?:;]\s+|\n", plain):
        words = re.findall(r"[^\W\d_]+", sentence)
        found.update(
            word.casefold()
            for word in words[1:]
            if word[0].isupper() and word.casefold().removesuffix("s") not in NO_NAMES
        )
    return frozenset(found)


def _content(words: list[str]) -> list[str]:
    return [
        AXIS[word][0] if word in AXIS else stem(word)  # which side of the axis is compared apart
        for word in words
        if word not in EMPTY and word not in NEGATIONS and not any(letter.isdigit() for letter in word)
    ]
