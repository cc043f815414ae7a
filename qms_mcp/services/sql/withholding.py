"""What a plan would say about rows the caller may not see.

PostgreSQL counts rows before row-level security removes them: "Rows Removed by Filter" and the rows of a bitmap index
scan count those of every organization. These counts are withheld. Estimates come from statistics over all
organizations; they are kept to one significant digit, which is all they are good for.
"""

import re

_REMOVED = re.compile(rb'(Rows[ -]Removed[ -]by[\w -]*)("?)([:>] ?)\d+(?:\.\d+)?')
_ESTIMATED = re.compile(rb'(?<!actual )(\brows=|"Plan Rows": |Plan Rows: |<Plan-Rows>)(\d+)(?=[ ,\r\n<]|$)')
_BITMAP_LINE = re.compile(rb"(Bitmap Index Scan[^\n]*\(actual [^)\n]*?rows=)[\d.]+")
_BITMAP_BLOCK = re.compile(
    rb'(Node[ -]Type"?[:>] ?"?Bitmap Index Scan(?:(?!Node[ -]Type).)*?Actual[ -]Rows)("?)([:>] ?)[\d.]+', re.DOTALL
)
_HEAP_BLOCKS = re.compile(rb'((?:Exact|Lossy)[ -]Heap[ -]Blocks|Heap[ -]Fetches)("?)([:>] ?)\d+')
_HEAP_LINE = re.compile(rb"(?:exact|lossy)=\d+")
_WITHHELD = b"withheld"


def withhold(text: bytes) -> bytes:
    """Return a piece of what EXPLAIN wrote, in any of its formats, without what it must not say."""
    if b"Rows" not in text and b"rows=" not in text and b"Heap" not in text:
        return text
    for pattern in (_REMOVED, _BITMAP_BLOCK, _HEAP_BLOCKS):
        text = pattern.sub(_without_count, text)
    text = _BITMAP_LINE.sub(rb"\g<1>" + _WITHHELD, text)
    text = _HEAP_LINE.sub(b"", text) if b"Heap Blocks:" in text else text
    return _ESTIMATED.sub(lambda match: match[1] + str(one_digit(int(match[2]))).encode(), text)


def one_digit(count: float) -> int:
    """Return a count rounded to one significant digit."""
    whole = round(count)
    return round(whole, 1 - len(str(abs(whole))))


def _without_count(match: re.Match[bytes]) -> bytes:
    quote = match[2]
    return match[1] + quote + match[3] + quote + _WITHHELD + quote
