"""The app of the analyses in a real Chromium, inside a page that acts as a host of MCP Apps (SEP-1865)."""

import json
from collections.abc import AsyncGenerator
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from qms_mcp.pictured import SVG_KEY
from qms_mcp.pictures.drawing import draw
from qms_mcp.pictures.model import Level, Mark, Panel, Picture, Series
from tests.support.browser import CHROMIUM, chromium

if TYPE_CHECKING:
    from playwright.async_api import Browser, Frame, Page

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"NO BROWSER: the app is NOT tested without {CHROMIUM}"),
]

HOSTILE = (
    "<script>top.hacked=1</script><img src=x onerror='top.hacked=2'></svg><svg onload=top.hacked=3>"
    "javascript:alert(1) {{7*7}} ${7*7}"
)
# A host: it answers the handshake and calls of tools, and keeps all it hears. The app has no origin of its own here.
HOST = """<!doctype html><meta charset="utf-8">
<iframe id="app" sandbox="allow-scripts" width="800" height="900"></iframe>
<script>
window.heard = []; window.theme = "light"; window.capabilities = {serverTools: {}}; window.recomputed = {};
window.addEventListener("message", ({data, source}) => {
  window.heard.push(data);
  const answer = (result) => source.postMessage({jsonrpc: "2.0", id: data.id, result}, "*");
  if (data.method === "ui/initialize") answer({protocolVersion: "2026-01-26", hostInfo: {name: "test", version: "1"},
    hostCapabilities: window.capabilities, hostContext: {theme: window.theme}});
  if (data.method === "tools/call") answer(window.recomputed);
});
window.tell = (method, params) => document.getElementById("app").contentWindow.postMessage(
  {jsonrpc: "2.0", method, params}, "*");
</script>"""


@pytest.fixture(scope="module")
async def browser() -> "AsyncGenerator[Browser]":
    async with chromium() as started:
        yield started


@pytest.fixture
async def page(browser: "Browser") -> "AsyncGenerator[Page]":
    context = await browser.new_context(viewport={"width": 860, "height": 1000})
    page = await context.new_page()
    yield page
    await context.close()


def result(label: str = "Seal") -> dict[str, Any]:
    picture = Picture(
        title=f"Torque of {label}",
        panels=(
            Panel(
                series=(Series(y=(1.0, 2.0, 9.0), name=label),),
                levels=(Level(values=(5.0,), kind="control", label="UCL"),),
                marks=(Mark(x=3, y=9, label=label),),
                categories=(label, "b", "c"),
            ),
        ),
    )
    return {
        "content": [{"type": "text", "text": "{}"}],
        "structuredContent": {
            "headline": f"1 of 3 points signals: {label}",
            "flags": [{"code": "few_points", "says": f"Only 3 points {label}.", "instead": "Collect more."}],
            "points": [["label", "value"], ["a", 10.0], [label, 9.0], ["=1+1", -2.5]],
            "signals": {"columns": ["point", "value"], "rows": [[3, 9.0]], "total": 4},
            "chart": "I-MR",
            "provenance": {"calculation": "0197-1", "n": 3, "method": "spc_chart 1", "source": label},
        },
        "_meta": {SVG_KEY: draw(picture, "svg").decode()},
    }


async def opened(page: "Page", shown: dict[str, Any] | None, **host: Any) -> "Frame":
    """Return the app inside a host, after the handshake, with a result."""
    await page.set_content(HOST)
    for name, value in host.items():
        await page.evaluate(f"window.{name} = {json.dumps(value)}")
    html = files("qms_mcp.pictures").joinpath("analysis.html").read_text(encoding="utf-8")
    await page.evaluate("html => { document.getElementById('app').srcdoc = html }", html)
    await page.wait_for_function("heard.some(one => one.method === 'ui/notifications/initialized')")
    frame = page.frames[1]
    if shown is not None:
        await page.evaluate("tell('ui/notifications/tool-input', {arguments: {}})")
        await page.evaluate("shown => tell('ui/notifications/tool-result', shown)", shown)
        await frame.wait_for_selector("#headline:not(:has-text('…'))", state="attached")
    return frame


async def test_the_handshake_comes_first_and_the_size_is_told(page: "Page") -> None:
    await opened(page, result())
    await page.wait_for_function("heard.filter(one => one.method === 'ui/notifications/size-changed').length > 1")
    heard: list[dict[str, Any]] = await page.evaluate("heard")
    assert heard[0]["method"] == "ui/initialize"
    assert heard[0]["params"]["protocolVersion"] == "2026-01-26"
    assert heard[1] == {"jsonrpc": "2.0", "method": "ui/notifications/initialized", "params": {}}
    sizes = [one["params"]["height"] for one in heard if one.get("method") == "ui/notifications/size-changed"]
    assert sizes[-1] > sizes[0] > 0


async def test_headline_picture_flags_and_values_are_shown(page: "Page") -> None:
    frame = await opened(page, result())
    assert await frame.inner_text("#headline") == "1 of 3 points signals: Seal"
    assert "few points: Only 3 points Seal. Collect more." in await frame.inner_text("#flags")
    drawn = await frame.evaluate("async () => { await picture.decode(); return [picture.naturalWidth, picture.alt] }")
    assert drawn == [800, "1 of 3 points signals: Seal"]
    titles = await frame.locator("#tables summary").all_inner_texts()
    assert titles == ["signals (1 of 4)", "points (3)"]
    assert "n = 3" in await frame.inner_text("#provenance")


async def test_a_table_is_sorted_by_its_column_and_copied_as_csv(page: "Page") -> None:
    frame = await opened(page, result())
    await frame.locator("#tables summary").nth(1).click()
    points = frame.locator("#tables details").nth(1)
    await points.get_by_role("button", name="value").click()
    assert await points.locator("td.number").all_inner_texts() == ["-2.5", "9", "10"]
    await points.get_by_role("button", name="value").click()
    assert await points.locator("td.number").all_inner_texts() == ["10", "9", "-2.5"]
    await points.get_by_role("button", name="Copy as CSV").click()
    copied = await points.locator("textarea").input_value()  # without a right to the clipboard it is there to be copied
    assert copied.splitlines() == ["label,value", "a,10", "Seal,9", "'=1+1,-2.5"]


async def test_what_comes_from_records_is_text_and_does_nothing(page: "Page") -> None:
    frame = await opened(page, result(HOSTILE))
    assert HOSTILE in await frame.inner_text("#headline")
    await frame.evaluate("async () => await picture.decode()")
    assert await frame.evaluate("document.querySelectorAll('main script, main svg, main iframe').length") == 0
    assert await frame.evaluate("[...document.images].map(one => one.src.slice(0, 26))") == [
        "data:image/svg+xml;base64,"
    ]
    assert await page.evaluate("window.hacked") is None


async def test_the_theme_of_the_host_is_followed_even_when_it_changes(page: "Page") -> None:
    frame = await opened(page, result(), theme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    drawn = "atob(picture.src.split(',')[1]).slice(0, 30)"
    assert await frame.evaluate(paper) == "rgb(20, 24, 29)"
    assert 'data-theme="dark"' in await frame.evaluate(drawn)
    await page.evaluate("tell('ui/notifications/host-context-changed', {theme: 'light'})")
    await frame.wait_for_selector("html[data-theme='light']", state="attached")
    assert await frame.evaluate(paper) == "rgb(255, 255, 255)"
    assert 'data-theme="light"' in await frame.evaluate(drawn)


async def test_a_number_is_computed_again_through_the_host(page: "Page") -> None:
    again: dict[str, Any] = {"content": [], "structuredContent": {"headline": "The same.", "why": ["Nothing changed."]}}
    frame = await opened(page, result(), recomputed=again)
    await frame.get_by_role("button", name="Compute again").click()
    await frame.wait_for_selector("#status:has-text('The same.')")
    calls = await page.evaluate("heard.filter(one => one.method === 'tools/call').map(one => one.params)")
    assert calls == [{"name": "recompute", "arguments": {"calculation": "0197-1"}}]


async def test_without_tools_of_the_host_there_is_no_button_and_an_error_is_told(page: "Page") -> None:
    failed = {"isError": True, "content": [{"type": "text", "text": "There is no column 'x'."}]}
    frame = await opened(page, failed, capabilities={})
    assert await frame.inner_text("#headline") == "It did not work"
    assert await frame.inner_text("#status") == "There is no column 'x'."
    assert not await frame.locator("#again").is_visible()
    assert not await frame.locator("#figure").is_visible()
