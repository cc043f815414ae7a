"""Text as the model on this machine reads it: numbers of the word pieces of BERT uncased.

A text is cleaned (control characters go, accents go, letters become small), cut at white space and around punctuation
and Chinese characters, and each word is taken apart into the longest pieces the vocabulary has. The numbers are those
of the tokenizer the model was trained with, with one intended difference: `[SEP]` and the like written in a text are
letters and brackets there, never marks for the model.
"""

import gzip
import hashlib
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from qms_mcp.errors import UnavailableError

UNKNOWN, BEGIN, END = 100, 101, 102
_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
_LONGEST_WORD = 100
_MOST_CACHED = 100_000
# Characters Python takes for white space, or that are never part of a word, and that the tokenizer leaves out.
_DROPPED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
_CHINESE = re.compile(
    "([\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002b81f"
    "\U0002b920-\U0002ceaf\U0002f800-\U0002fa1f])"
)
_INVISIBLE = {"Cc", "Cf", "Co", "Cs"}
_ASCII_MARK = re.compile(r"[!-/:-@\[-`{-~]")
_ASCII_PART = re.compile(r"[a-z0-9]+|[!-/:-@\[-`{-~]")


class WordPiece:
    """The tokenizer.

    Args:
        numbers: The number of each piece.
    """

    def __init__(self, numbers: dict[str, int]) -> None:
        self._numbers = numbers
        self._known: dict[str, tuple[int, ...]] = {}

    def encode(self, text: str, most: int) -> list[int]:
        """Return at most `most` numbers, the marks of begin and end among them; what is beyond is not read."""
        read = [BEGIN]
        for word in _DROPPED.sub("", text).split():
            known = self._known.get(word)
            if known is None:
                known = self._learn(word)
            read.extend(known)
            if len(read) >= most:
                break
        return [*read[: most - 1], END]

    def _learn(self, word: str) -> tuple[int, ...]:
        numbers = tuple(number for part in _parts(word) for number in self._pieces(part))
        if len(self._known) >= _MOST_CACHED:
            self._known.clear()
        self._known[word] = numbers
        return numbers

    def _pieces(self, part: str) -> list[int]:
        """Return the longest pieces from the left, or the one mark for what can't be written with pieces."""
        if len(part) > _LONGEST_WORD:
            return [UNKNOWN]
        pieces: list[int] = []
        start, prefix = 0, ""
        while start < len(part):
            for end in range(len(part), start, -1):
                number = self._numbers.get(prefix + part[start:end])
                if number is not None:
                    break
            else:
                return [UNKNOWN]
            pieces.append(number)
            start, prefix = end, "##"
        return pieces


def _parts(word: str) -> Iterator[str]:
    """Yield the parts of a word without white space: runs of letters and digits, and each punctuation by itself."""
    if word.isascii():
        yield from _ASCII_PART.findall(word.lower())
        return
    visible = "".join(c for c in word if unicodedata.category(c) not in _INVISIBLE)
    bare = (c for c in unicodedata.normalize("NFD", _CHINESE.sub(r" \1 ", visible)) if unicodedata.category(c) != "Mn")
    # Letter by letter: in a whole word, Python would write the last sigma as a final one.
    small = "".join(c.lower() for c in bare)
    run = ""
    for character in small:
        if not (character.isspace() or _is_punctuation(character)):
            run += character
            continue
        if run:
            yield run
            run = ""
        if not character.isspace():
            yield character
    if run:
        yield run


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] == "P" or _ASCII_MARK.fullmatch(character) is not None


@cache
def wordpiece() -> WordPiece:
    """Return the tokenizer with its vocabulary, loaded once.

    Raises:
        UnavailableError: The vocabulary is damaged.
    """
    packed = files("qms_mcp.services.embedding").joinpath("vocabulary.txt.gz").read_bytes()
    try:
        words = gzip.decompress(packed)
    except (OSError, EOFError):
        words = b""
    if hashlib.sha256(words).hexdigest() != _SHA256:
        raise UnavailableError("The vocabulary of the model on this machine is damaged.", hint="Install qms-mcp again.")
    return WordPiece({word: number for number, word in enumerate(words.decode().splitlines())})
