"""The words of a result that show why it was found: the best part of its piece, with the hits between `**`.

PostgreSQL marks the words (it alone knows their stems) in a copy of the piece that is as long, character for character,
so that places in the copy are places in the text. Numbers of parts and quantities are marked here, however they are
spelt.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

START, STOP = "\x02", "\x03"
_WIDTH = 300
_BEFORE = 60
_DOTS = "…"
_MARKS = str.maketrans("", "", START + STOP)

Span: TypeAlias = tuple[int, int]


def quoted(content: str, marked: str, identifiers: Sequence[str] = (), *, phrase: str = "", whole: bool = False) -> str:
    """Return the part of a piece that shows most of the query, or the whole piece.

    Args:
        content: The piece as it stands in the document.
        marked: The same with START and STOP around the words of the query.
        identifiers: Part numbers and quantities of the query, as `search.identifiers` writes them.
        phrase: Words that were searched for as they stand: they alone are marked.
        whole: Return all of it.
    """
    folded = marked.translate(_MARKS)
    if len(folded) != len(content):
        folded, found = content, []
    else:
        found = list(_marked_spans(marked))
    if phrase:
        found = list(_phrase_spans(folded, phrase)) or found
    spans = _joined([*found, *_identifier_spans(folded, identifiers)], content)
    if whole:
        return _with_marks(content, spans, 0, len(content))
    start, stop = _window(content, spans)
    shown = " ".join(_with_marks(content, spans, start, stop).split())
    return f"{_DOTS if start else ''}{shown}{_DOTS if stop < len(content) else ''}"


def _marked_spans(marked: str) -> Iterator[Span]:
    place, begun = 0, 0
    for character in marked:
        if character == START:
            begun = place
        elif character == STOP:
            yield begun, place
        else:
            place += 1


def _phrase_spans(folded: str, phrase: str) -> Iterator[Span]:
    words = [re.escape(word) for word in phrase.lower().split()]
    for match in re.finditer(r"\s+".join(words), folded.lower()):
        yield match.span()


def _identifier_spans(folded: str, identifiers: Iterable[str]) -> Iterator[Span]:
    for identifier in identifiers:
        characters = [r"[.,]" if one == "." else re.escape(one) for one in identifier.removeprefix("#")]
        pattern = r"(?<![^\W_])" + r"[\W_]?".join(characters) + r"(?![^\W_])"
        for match in re.finditer(pattern, folded.lower()):
            yield match.span()


def _joined(spans: Iterable[Span], content: str) -> list[Span]:
    """Return the spans in their order; those that overlap, or have only a blank between them, as one."""
    joined: list[Span] = []
    for start, stop in sorted(spans):
        if joined and (start <= joined[-1][1] or content[joined[-1][1] : start].isspace()):
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((start, stop))
    return joined


def _window(content: str, spans: Sequence[Span]) -> Span:
    """Return where to cut: the first part with the most different hits, from a blank to a blank."""
    if len(content) <= _WIDTH + _BEFORE:
        return 0, len(content)
    start = max(0, _best(content, spans) - _BEFORE)
    if start:
        sentence = content.rfind(". ", start, start + _BEFORE)
        blank = content.find(" ", start)
        start = sentence + 2 if sentence >= 0 else (blank + 1 if 0 <= blank < start + _BEFORE else start)
    stop = min(len(content), start + _WIDTH)
    for span_start, span_stop in spans:
        if span_start < stop < span_stop:
            stop = min(span_stop, start + 2 * _WIDTH)
    if stop < len(content):
        blank = content.rfind(" ", start + _WIDTH // 2, stop + 1)
        stop = blank if blank > 0 and not any(a < blank < b for a, b in spans) else stop
    return start, stop


def _best(content: str, spans: Sequence[Span]) -> int:
    best, most = 0, 0.0
    for place, (start, _stop) in enumerate(spans):
        within = [(a, b) for a, b in spans[place:] if b <= start + _WIDTH - _BEFORE]
        worth = len({content[a:b].lower() for a, b in within}) + len(within) / 100
        if worth > most:
            best, most = start, worth
    return best


def _with_marks(content: str, spans: Sequence[Span], start: int, stop: int) -> str:
    parts: list[str] = []
    place = start
    for a, b in spans:
        if b <= start or a >= stop:
            continue
        begun, ended = max(a, start), min(b, stop)
        parts += [content[place:begun], "**", content[begun:ended], "**"]
        place = ended
    return "".join([*parts, content[place:stop]])
