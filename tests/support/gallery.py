"""`python -m tests.support.gallery` draws docs/pictures/ and writes docs/pictures.md."""

from pathlib import Path

from qms_mcp.pictures.drawing import draw
from tests.support.gallery_pictures import GALLERY

_DOCS = Path(__file__).resolve().parents[2] / "docs"
_INTRODUCTION = """\
# Pictures

What the analyses draw. Each picture comes as SVG, which follows the reader's light or dark scheme, or as PNG in one of
them; the same calculation gives the same bytes. Colours are those people with colour vision deficiencies tell apart,
and whatever a colour means has a marker, a dash or words of its own too. The numbers here are made up.

| mark | meaning |
| --- | --- |
| circle on a line | values |
| diamond around a value, with a number | a signal, with the rule it breaks |
| long dashes | control limits: what the process does |
| dash and dot | specification limits: what the customer wants |
| dots | warning limits |
| line at the top with words | a stage begins, or a change was found |
"""


def main() -> None:
    """Draw all pictures and write the page."""
    folder = _DOCS / "pictures"
    folder.mkdir(exist_ok=True)
    lines = [_INTRODUCTION]
    for shown in GALLERY:
        picture = shown.make()
        (folder / f"{shown.name}.svg").write_bytes(draw(picture, "svg"))
        alt = (picture.alt or picture.title).replace("[", "(").replace("]", ")")
        lines.append(f"## {shown.heading}\n\n{shown.words}\n\n![{alt}](pictures/{shown.name}.svg)\n")
    (_DOCS / "pictures.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
