"""Text as the model reads it; the expected numbers are those of the tokenizer the model was trained with."""

import gzip
import hashlib
from importlib.resources import files

import pytest

from qms_mcp.errors import UnavailableError
from qms_mcp.services.embedding import wordpiece as module
from qms_mcp.services.embedding.wordpiece import wordpiece

VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
# fmt: off
EXPECTED = [
    ("CAPA-2026-0014: the sterilizer's door-seal failed at 134 \xb0C, 2.1 bar!",
     [101, 6178, 2050, 1011, 16798, 2575, 1011, 25604, 2549, 1024, 1996, 26261, 15928, 17629, 1005, 1055, 2341, 1011,
     7744, 3478, 2012, 15170, 6362, 1010, 1016, 1012, 1015, 3347, 999, 102]),
    ("\xdcberpr\xfcfung der Pr\xfcfmittel \u2014 na\xefve caf\xe9",
     [101, 19169, 18098, 16093, 5575, 4315, 10975, 16093, 22930, 9834, 1517, 15743, 7668, 102]),
    ("\u65e5\u672c\u8a9e\u306e\u54c1\u8cea\u7ba1\u7406 ISO13485",
     [101, 1864, 1876, 1950, 1671, 100, 100, 100, 100, 11163, 17134, 18139, 2629, 102]),
    ("non\u200bconform\xading\x00 tab\tline\r\nend\x85x\x1cy",
     [101, 2512, 8663, 14192, 2075, 21628, 2240, 2203, 18037, 102]),
    ("\u039f\u0394\u039f\u03a3 \u0130stanbul \u0152UVRE \ufb01ne \xbd \xb5m \u338e",
     [101, 1169, 29722, 29730, 29733, 9960, 1107, 2226, 12229, 1984, 2638, 1092, 1085, 2213, 100, 102]),
    ("unaffableqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq",
     [101, 100, 102]),
    ("electroencephalographicallyelectroencephalographicallyelectroencephalographically",
     [101, 16175, 10127, 21890, 21197, 20721, 3973, 12260, 6593, 3217, 10127, 21890, 21197, 20721, 3973, 12260, 6593,
     3217, 10127, 21890, 21197, 20721, 3973, 102]),
    ("a\U0001f600b  \u2713 ok", [101, 100, 100, 7929, 102]),
    ("\xa75.2\u2013\xa75.3 \u201cquoted\u201d <tag> $5 a_b^c`d~e|f=g+h",
     [101, 1073, 1019, 1012, 1016, 1516, 1073, 1019, 1012, 1017, 1523, 9339, 1524, 1026, 6415, 1028, 1002, 1019,
     1037, 1035, 1038, 1034, 1039, 1036, 1040, 1066, 1041, 1064, 1042, 1027, 1043, 1009, 1044, 102]),
    ("\u03a9 \u2265 10 k\u03a9", [101, 1179, 1609, 2184, 1047, 29739, 102]),
    ("\ud55c\uad6d\uc5b4 \ud488\uc9c8",
     [101, 1469, 30006, 30021, 29991, 30014, 30020, 29999, 30008, 1468, 30014, 30023, 30000, 30019, 30022, 102]),
    ("\u0e01\u0e23\u0e38\u0e07\u0e40\u0e17\u0e1e", [101, 1409, 29953, 29946, 29959, 29948, 29950, 102]),
    ("x\u0301 \xe9\xe9 nfd", [101, 1060, 25212, 1050, 2546, 2094, 102]),
    ("21 CFR 820.30(g)", [101, 2538, 12935, 2099, 26667, 1012, 2382, 1006, 1043, 1007, 102]),
    ("\ud7ff\xe9\ue000\ufffd!", [101, 100, 999, 102]),
    ("", [101, 102]),
]
# fmt: on


@pytest.mark.parametrize(("text", "numbers"), EXPECTED)
def test_a_text_becomes_the_numbers_the_model_was_trained_with(text: str, numbers: list[int]) -> None:
    assert wordpiece().encode(text, 256) == numbers


def test_a_word_seen_before_becomes_the_same_numbers() -> None:
    assert wordpiece().encode("seal Seal seal-2", 256) == wordpiece().encode("seal Seal seal-2", 256)


def test_marks_of_the_model_in_a_text_are_only_letters() -> None:
    numbers = wordpiece().encode("door [SEP] leaks [CLS]", 256)
    assert numbers.count(102) == 1
    assert numbers.count(101) == 1


def test_a_long_text_is_cut_and_still_ends_with_its_mark() -> None:
    numbers = wordpiece().encode("leak " * 1000, 256)
    assert len(numbers) == 256
    assert numbers[-1] == 102
    assert len(wordpiece().encode("leak " * 254, 256)) == 256


def test_the_vocabulary_is_that_of_bert_base_uncased() -> None:
    packed = files("qms_mcp.services.embedding").joinpath("vocabulary.txt.gz").read_bytes()
    words = gzip.decompress(packed)
    assert hashlib.sha256(words).hexdigest() == VOCABULARY_SHA256
    assert len(words.splitlines()) == 30_522


def test_another_vocabulary_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SHA256", "0" * 64)
    with pytest.raises(UnavailableError, match="damaged"):
        wordpiece.__wrapped__()
