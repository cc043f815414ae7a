"""A PNG with the few colours a picture has: a third of the bytes, and every colour as it was meant."""

from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

from qms_mcp.pictures.model import Theme
from qms_mcp.pictures.palette import colours

if TYPE_CHECKING:
    from PIL.Image import Image

_STEPS = 14  # between a colour and the paper, for smooth edges


def finished(drawn: bytes, theme: Theme) -> bytes:
    """Return a PNG with the colours of a theme and their blends with its paper.

    Args:
        drawn: As matplotlib wrote it.
        theme: It was drawn in.
    """
    from PIL import Image  # noqa: PLC0415

    with Image.open(BytesIO(drawn)) as image:
        reduced = image.convert("RGB").quantize(palette=_palette(theme), dither=Image.Dither.NONE)
    written = BytesIO()
    reduced.save(written, "png", optimize=True)
    return written.getvalue()


@cache
def _palette(theme: Theme) -> "Image":
    from PIL import Image  # noqa: PLC0415

    named = [_parts(colour) for colour in colours("png", theme).values()]
    paper = _parts(colours("png", theme)["paper"])
    blends = [
        tuple(round(ground + (part - ground) * step / _STEPS) for ground, part in zip(paper, colour, strict=True))
        for colour in named
        for step in range(1, _STEPS + 1)
    ]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in list(dict.fromkeys([paper, *blends]))[:256] for part in colour])
    return palette


def _parts(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))
