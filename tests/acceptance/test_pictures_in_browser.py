"""The gallery as Chromium shows it, light and dark: nothing overlaps or is cut, and all words can be read."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from qms_mcp.pictures.drawing import draw
from qms_mcp.pictures.model import Band, Divider, Level, Mark, Panel, Picture, Series
from tests.support.browser import CHROMIUM, chromium

if TYPE_CHECKING:
    from playwright.async_api import Browser

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"NO BROWSER: pictures are NOT looked at without {CHROMIUM}"),
]

GALLERY = sorted((Path(__file__).resolve().parents[2] / "docs" / "pictures").glob("*.svg"))
# What is wrong with a picture: words on words, words beyond the edge, words too faint for their ground (WCAG 4.5:1).
LOOK = """svg => {
  document.body.innerHTML = svg;
  const root = document.querySelector("svg"), whole = root.getBoundingClientRect(), wrong = [];
  const light = (colour) => {
    const [r, g, b] = colour.match(/[0-9.]+/g).map(Number)
      .map((part) => (part /= 255) <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = light(getComputedStyle(root.querySelector("path")).fill);
  const texts = [...root.querySelectorAll("text")].map((text) => {
    // The box of turned words is that of their corners; their letters fill less of it.
    const turned = /rotate\\((?!-?(0|90)[ ,])/.test(text.getAttribute("transform") ?? "");
    return { say: text.textContent, turned, box: text.getBoundingClientRect(), style: getComputedStyle(text) };
  });
  texts.forEach((one, at) => {
    const ink = light(one.style.fill);
    const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (contrast < 4.5) wrong.push(`${one.say}: contrast ${contrast.toFixed(2)}`);
    if (parseFloat(one.style.fontSize) < 11) wrong.push(`${one.say}: ${one.style.fontSize}`);
    const { left, right, top, bottom } = one.box;
    if (left < whole.left - 0.5 || right > whole.right + 0.5 || top < whole.top - 0.5 || bottom > whole.bottom + 0.5)
      wrong.push(`${one.say}: beyond the edge`);
    for (const other of texts.slice(at + 1)) {
      const wide = Math.min(right, other.box.right) - Math.max(left, other.box.left);
      const high = Math.min(bottom, other.box.bottom) - Math.max(top, other.box.top);
      if (wide > 1.5 && high > 3.5 && !one.turned && !other.turned) wrong.push(`${one.say} on ${other.say}`);
    }
  });
  return { wrong, texts: texts.length, paper };
}"""


@pytest.fixture(scope="module")
async def browser() -> "AsyncGenerator[Browser]":
    async with chromium() as started:
        yield started


def hard_picture() -> str:
    """Return a picture with more to say than there is room for."""
    values = [10 + (at * 7919 % 13) / 10 for at in range(60)]
    long = "Überaus lange Bezeichnung eines Merkmals mit Einheit µm/°C, Größe «Ñandú» и кириллица "
    return draw(
        Picture(
            title=long * 3,
            subtitle=long * 2,
            notes=(long * 4, "$x_1$ and ${y}$ <b>&amp;</b>"),
            panels=(
                Panel(
                    title=long,
                    series=(
                        Series(y=tuple(values), name=long),
                        Series(y=tuple(value + 0.1 for value in values), name="other " + long, role="second"),
                    ),
                    y_label=long,
                    x_label=long,
                    categories=tuple(f"Los {at:04d} aus Werk {at % 3}" for at in range(60)),
                    levels=tuple(
                        Level(values=(10.5 + at / 50,), kind="control", label=f"Grenze {at}") for at in range(9)
                    ),
                    marks=tuple(Mark(x=at + 1, y=values[at], label="1, 2, 5") for at in range(0, 60, 3)),
                    dividers=tuple(Divider(x=5.5 + 4 * at, label=f"Abschnitt {at}") for at in range(6)),
                    bands=(Band(low=(10.2,), high=(10.8,), label="Zone"),),
                ),
            ),
        ),
        "svg",
    ).decode()


async def looked_at(browser: "Browser", scheme: Any, pictures: dict[str, str]) -> dict[str, dict[str, Any]]:
    context = await browser.new_context(color_scheme=scheme, viewport={"width": 820, "height": 700})
    page = await context.new_page()
    try:
        return {name: await page.evaluate(LOOK, svg) for name, svg in pictures.items()}
    finally:
        await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_overlaps_is_cut_or_faint(browser: "Browser", scheme: str) -> None:
    assert len(GALLERY) > 10
    pictures = {path.stem: path.read_text(encoding="utf-8") for path in GALLERY} | {"hard": hard_picture()}
    seen = await looked_at(browser, scheme, pictures)
    assert {name: one["wrong"] for name, one in seen.items() if one["wrong"]} == {}
    assert all(one["texts"] > 5 for one in seen.values())
    papers = {round(one["paper"]) for one in seen.values()}
    assert papers == ({1} if scheme == "light" else {0})


async def test_text_from_records_is_inert_even_when_the_picture_stands_in_a_page(browser: "Browser") -> None:
    hostile = "</text></svg><script>window.hacked=1</script><img src=x onerror=window.hacked=2>]]>"
    picture = Picture(
        title=hostile,
        alt=hostile,
        panels=(Panel(series=(Series(y=(1.0, 2.0), name=hostile),), categories=(hostile, "b"), y_label=hostile),),
    )
    context = await browser.new_context()
    page = await context.new_page()
    await page.set_content(f"<main>{draw(picture, 'svg').decode()}</main>")
    found = await page.evaluate("[window.hacked, document.scripts.length, document.images.length]")
    assert found == [None, 0, 0]
    assert hostile in await page.evaluate("document.querySelector('svg title').textContent")
    await context.close()
