"""Secrets and personal data, replaced before anything is frozen: a dataset is exported, and shown to models.

Secrets are found as the ledger finds them. Personal data are e-mail addresses, telephone numbers, IBANs and card
numbers with valid check digits, names of the organization's people, and numbers behind words an organization named
(`LOT`, `PAT`). Each stands as the same placeholder (`PERSON_1`) wherever it stands in an item, so that a text still
reads. Numbers of records stay: they are the evidence. A name nobody is registered under is not known to be one, and
stays.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, cast

from qms_mcp.agents.outputs import AgentOutput, Evidence, Finding
from qms_mcp.masking import MASK, keepable, mask_text
from qms_mcp.services.learning.datasets.models import Draft

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+'-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-]|\.\d)")
# With a country code; behind a word for it; a national number that begins with 0; three, three and four digits.
_PHONES = (
    re.compile(r"(?<![\w.+-])(?:\+|00)[1-9]\d{0,2}[ ()./-]{0,3}\d(?:[ ()./-]{0,2}\d){5,13}(?![\w-])"),
    re.compile(
        r"(?i:(?<=\btel )|(?<=\btel\. )|(?<=\btel: )|(?<=\btel\.: )|(?<=\bphone )|(?<=\bphone: )|(?<=\bmobile )"
        r"|(?<=\bmobile: )|(?<=\bfax )|(?<=\bfax: )|(?<=\bcall ))\(?\d(?:[ ()./-]{0,2}\d){5,14}(?![\w-])"
    ),
    re.compile(r"(?<![\w.-])\(?0[1-9]\d{1,3}\)?[ /-]\d{3,4}[ -]?\d{3,6}(?![\w-])"),
    re.compile(r"(?<![\w.-])(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[.-]\d{4}(?![\w-])"),
)
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_BETWEEN_NAMES = re.compile(r"[\s,.\u00a0]{1,4}\Z")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_TITLE = re.compile(r"(?i:\b(?:mr|mrs|ms|dr|prof|herr|frau|mme|sr|sra)\.?\s)\Z")
_LONGEST_TITLE = 6
_FEWEST_LETTERS = 2
# Of a telephone number; all else has more.
_FEWEST_DIGITS = 6
# Names of our own are neither personal nor those of secrets.
_OWN_NAMES = frozenset(
    (
        *AgentOutput.model_fields, *Finding.model_fields, *Evidence.model_fields, "answer", "rubric", "must_mention",
        "findings", "numbers", "forbidden", "name", "tolerance",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Name:
    words: tuple[str, ...]
    person: str
    titled_only: bool


class People:
    """The names of people, found in texts.

    A person is found by the whole name, in either order, by the first letter and the last name, and by the last name
    behind a title. In scripts without spaces the whole name is looked for.

    Args:
        names: As they are printed.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._by_first: dict[str, list[_Name]] = {}
        unspaced: list[str] = []
        for name in sorted({_plain(name).strip() for name in names}):
            if _UNSPACED.search(name):
                unspaced.append(name)
                continue
            words = tuple(word[0].casefold() for word in _WORD.finditer(name))
            if words and sum(map(len, words)) >= _FEWEST_LETTERS:
                self._add(name, words)
        for known in self._by_first.values():
            known.sort(key=lambda one: (-len(one.words), one.titled_only, one.words))
        unspaced.sort(key=lambda one: (-len(one), one))
        self._unspaced = re.compile("|".join(map(re.escape, unspaced))) if unspaced else None

    def _add(self, name: str, words: tuple[str, ...]) -> None:
        forms = {(words, False)}
        if len(words) > 1:
            forms |= {((words[-1], *words[:-1]), False), ((words[0][0], words[-1]), False), ((words[-1],), True)}
            forms |= {((words[0], words[-1]), False)}
        for form, titled_only in forms:
            self._by_first.setdefault(form[0], []).append(_Name(form, name.casefold(), titled_only))

    def found(self, text: str) -> list[tuple[int, int, str]]:
        """Return where in a text somebody is named, and who: from, to, person."""
        spans: list[tuple[int, int, str]] = []
        if self._unspaced:
            spans += [(one.start(), one.end(), one[0]) for one in self._unspaced.finditer(text)]
        words = [(one.start(), one.end(), one[0].casefold()) for one in _WORD.finditer(text)]
        at = 0
        while at < len(words):
            name = next((one for one in self._by_first.get(words[at][2], ()) if _stands(one, words, at, text)), None)
            if name is None:
                at += 1
                continue
            spans.append((words[at][0], words[at + len(name.words) - 1][1], name.person))
            at += len(name.words)
        return spans


def _stands(name: _Name, words: Sequence[tuple[int, int, str]], at: int, text: str) -> bool:
    part = words[at : at + len(name.words)]
    if tuple(word for _, _, word in part) != name.words:
        return False
    if name.titled_only:
        return _TITLE.search(text[max(0, part[0][0] - _LONGEST_TITLE) : part[0][0]]) is not None
    return all(_BETWEEN_NAMES.match(text[one[1] : other[0]]) for one, other in pairwise(part))


class Hiding:
    """Replaces secrets and personal data in items, and counts them.

    Args:
        people: Whose names are known.
        identifiers: Words before a number that make it personal.
    """

    def __init__(self, people: People, identifiers: Sequence[str] = ()) -> None:
        self._people = people
        words = "|".join(re.escape(word) for word in sorted(identifiers, key=len, reverse=True) if word.strip())
        self._identifiers = (
            re.compile(rf"(?i:(?<!\w)(?:{words}))(?:[-_#:/.]|\s|no\.?){{1,4}}[A-Za-z0-9]*\d[\w/.-]*") if words else None
        )
        self.counts: Counter[str] = Counter()

    def hidden(self, draft: Draft) -> Draft:
        """Return a draft without them; the same one stands as the same placeholder in all its parts."""
        item = _Item(self._people, self._identifiers)
        masked = replace(
            draft,
            request=item.text(draft.request),
            subject=item.text(draft.subject),
            inputs=item.value(dict(draft.inputs)),
            expected=item.value(dict(draft.expected)),
        )
        self.counts.update(item.counts)
        return masked


class _Item:
    """The placeholders of one item."""

    def __init__(self, people: People, identifiers: re.Pattern[str] | None) -> None:
        self._people, self._identifiers = people, identifiers
        self._given: dict[tuple[str, str], str] = {}
        self._numbers: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def value(self, value: Any, key: str = "") -> Any:
        """Return JSON with every text in it masked."""
        if key and key not in _OWN_NAMES and value not in (None, "") and _is_secret(key, value):
            self.counts["secret"] += 1
            return MASK
        if isinstance(value, Mapping):
            parts = cast("Mapping[str, Any]", value)
            return {
                name if name in _OWN_NAMES else self.text(str(name)): self.value(part, str(name))
                for name, part in parts.items()
            }
        if isinstance(value, list):
            return [self.value(part) for part in cast("list[Any]", value)]
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """Return a text with placeholders."""
        plain = mask_text(_plain(text))
        self.counts["secret"] += max(0, plain.count(MASK) - text.count(MASK))
        if "@" in plain:
            plain = self._replaced(plain, "EMAIL", _EMAIL)
        if self._identifiers:
            plain = self._replaced(plain, "IDENTIFIER", self._identifiers)
        if sum(map(str.isdigit, plain)) >= _FEWEST_DIGITS:
            plain = self._replaced(plain, "IBAN", _IBAN, _is_iban)
            plain = self._replaced(plain, "CARD", _CARD, _is_card)
            for phone in _PHONES:
                plain = self._replaced(plain, "PHONE", phone)
        return self._without_people(plain)

    def _replaced(self, text: str, kind: str, pattern: re.Pattern[str], is_one: Any = None) -> str:
        def placed(found: re.Match[str]) -> str:
            if is_one is not None and not is_one(found[0]):
                return found[0]
            return self._placeholder(kind, re.sub(r"[\s().-]", "", found[0]).casefold())

        return pattern.sub(placed, text)

    def _without_people(self, text: str) -> str:
        parts, end = list[str](), 0
        for start, stop, person in sorted(self._people.found(text)):
            if start >= end:
                parts += [text[end:start], self._placeholder("PERSON", person)]
                end = stop
        return "".join((*parts, text[end:]))

    def _placeholder(self, kind: str, what: str) -> str:
        self.counts[kind.lower()] += 1
        if (kind, what) not in self._given:
            self._numbers[kind] += 1
            self._given[kind, what] = f"{kind}_{self._numbers[kind]}"
        return self._given[kind, what]


def _plain(text: str) -> str:
    """Return a text in composed form: a letter and its accent are one."""
    return unicodedata.normalize("NFC", text)


def _is_secret(key: str, value: Any) -> bool:
    """Whether a value is one by the name of its key, as the ledger sees it."""
    if isinstance(value, (Mapping, list)):
        value = "nested"
    return keepable({key: value}) == {key: MASK} and keepable({"plain": value}) != {"plain": MASK}


def _is_iban(text: str) -> bool:
    """Whether the check digits are right: ISO 13616, the remainder by 97 of ISO 7064 is 1."""
    compact = text.replace(" ", "")
    digits = "".join(str(int(one, 36)) for one in compact[4:] + compact[:4])
    return int(digits) % 97 == 1


def _is_card(text: str) -> bool:
    """Whether the check digit is right: Luhn, ISO/IEC 7812-1 annex B."""
    digits = [int(one) for one in reversed(text) if one.isdigit()]
    doubled = (sum(divmod(2 * one, 10)) for one in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1
