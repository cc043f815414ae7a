"""The review page in a real headless Chromium: a person says what an answer is worth, and it is stored as a human's."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from psycopg.conninfo import conninfo_to_dict

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.page.serving import ApprovalPage
from tests.conftest import Tenants
from tests.support.browser import CHROMIUM, chromium, foreign_site
from tests.support.dispatching import Rows
from tests.support.feedback import Runs, answer
from tests.support.people import person_with_password

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.shared_database,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"NO BROWSER: the review page is NOT tested without {CHROMIUM}"),
]

HOSTILE = "<script>window.hacked=1</script><img src=x onerror='window.hacked=2'>{{7*7}}\u202egnp.exe"
FORGED = """<form id="f" method="post" action="{address}"><input name="score" value="1">
<input name="shown_sha256" value="x"></form><script>document.getElementById("f").submit()</script>"""
# Contrast by WCAG 2.2, 1.4.3, of every text that is seen against the first background behind it.
CONTRAST = """() => {
  const part = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number);
    return .2126*part(r)+.7152*part(g)+.0722*part(b) };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$/.test(c) && c !== 'transparent') return c } return 'rgb(255,255,255)' };
  return Math.min(...[...document.querySelectorAll('main *')].filter(e => e.offsetParent && !e.disabled
    && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())).map(e => {
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    return (a + .05) / (b + .05) }));
}"""


@dataclass(frozen=True)
class Scene:
    """The page, an answer that waits on it, and who reviews it."""

    address: str
    runs: Runs
    run: UUID
    reviewer: Principal
    password: str

    @property
    def here(self) -> str:
        return f"{self.address}/review/{self.run}"


@pytest.fixture(scope="module")
async def browser() -> "AsyncGenerator[Browser]":
    async with chromium() as started:
        yield started


@pytest.fixture
async def context(browser: "Browser") -> "AsyncGenerator[BrowserContext]":
    made = await browser.new_context(viewport={"width": 390, "height": 844})
    made.set_default_timeout(10_000)
    yield made
    await made.close()


@pytest.fixture
async def tab(context: "BrowserContext") -> "Page":
    return await context.new_page()


@pytest.fixture
async def scene(database: Database, tenants: Tenants, embedded: EmbeddedPostgres) -> AsyncGenerator[Scene]:
    rows = Rows(embedded.conninfo(str(conninfo_to_dict(database.wiring.server)["dbname"]), "postgres"))
    runs = Runs(rows, tenants.ours.organization_id)
    run = runs.run(input={"request": f"Look at this: {HOSTILE}", "subject": ""}, output=answer("c1", summary=HOSTILE))
    runs.feedback(run, 0.125, comment="Passed on by an assistant.")
    reviewer, password = await person_with_password(database, runs.organization_id, "northwind", "qa_approver")
    page = ApprovalPage(database)
    yield Scene(await page.start(), runs, run, reviewer, password)
    await page.aclose()


async def sign_in(tab: "Page", scene: Scene) -> None:
    await tab.goto(scene.here)
    await tab.fill("input[name=user_id]", scene.reviewer.email or "")
    await tab.fill("input[name=password]", scene.password)
    await tab.click("button:text-is('Sign in')")
    await tab.wait_for_url(scene.here)


def by_people(scene: Scene) -> list[dict[str, Any]]:
    return [one for one in scene.runs.stored(scene.run) if one["given_kind"] == "human"]


async def test_a_person_gives_a_score_by_keyboard_and_it_is_stored_as_a_humans(tab: "Page", scene: Scene) -> None:
    await sign_in(tab, scene)
    text = await tab.inner_text("main")
    for shown in ("is this a good answer?", "qa@0123456789ab", "shipped", "CAPAs are late.", "c1", " UTC", "sha256"):
        assert shown in text
    assert "0.125" not in await tab.content(), "what others gave is shown before the own score"
    assert "Passed on" not in text
    assert "Others have said something" in text
    assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways on a phone"
    await tab.focus("input[name=score] >> nth=0")
    for _ in range(3):
        await tab.keyboard.press("ArrowDown")
    await tab.keyboard.press("Tab")
    await tab.keyboard.type("incomplete")
    await tab.keyboard.press("Escape")  # the suggestions
    await tab.keyboard.press("Tab")
    await tab.keyboard.type("Die Hälfte fehlt 🙁")
    await tab.keyboard.press("Tab")
    await tab.keyboard.press("Enter")
    await tab.wait_for_selector("#given")
    assert "Good, with small flaws" in await tab.inner_text("#given")
    assert "Passed on by an assistant." in await tab.inner_text("#earlier")
    assert await tab.query_selector("button:text-is('Give feedback')") is None
    (row,) = by_people(scene)
    assert (row["score"], row["label"], row["comment"]) == (0.75, "incomplete", "Die Hälfte fehlt 🙁")
    assert (row["source"], row["given_by"]) == ("user", scene.reviewer.user_id)
    assert [one["is_validated"] for one in scene.runs.examples(scene.run)] == [False, True]


async def test_what_waits_is_listed_until_it_is_judged(tab: "Page", scene: Scene) -> None:
    await sign_in(tab, scene)
    await tab.click("nav a")
    await tab.wait_for_url(f"{scene.address}/review")
    text = await tab.inner_text("main")
    assert "scored low" in text
    assert "1 answer of assistants" in text
    await tab.click(f"a[href='/review/{scene.run}']")
    await tab.check("input[name=score][value='0']")
    await tab.click("button:text-is('Give feedback')")
    await tab.wait_for_selector("#given")
    await tab.click("nav a")
    await tab.wait_for_selector("text=No answer waits for a look.")


async def test_text_of_an_answer_is_shown_and_never_obeyed(tab: "Page", scene: Scene) -> None:
    tab.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    await sign_in(tab, scene)
    assert await tab.evaluate("window.hacked") is None
    assert await tab.evaluate("document.querySelectorAll('script, img, iframe').length") == 0
    text = await tab.inner_text("main")
    assert "<script>window.hacked=1</script>" in text
    assert "{{7*7}}" in text
    assert "\u202e" not in await tab.content()


async def test_a_form_of_another_site_or_without_its_token_stores_nothing(tab: "Page", scene: Scene) -> None:
    await sign_in(tab, scene)
    async with foreign_site(FORGED.format(address=scene.here)) as site:
        await tab.goto(site)
        await tab.wait_for_url(scene.here)
        assert "did not come from the approval page" in await tab.inner_text("body")
    await tab.goto(scene.here)
    await tab.evaluate("document.querySelector('.decide input[name=token]').value = '0'.repeat(64)")
    await tab.check("input[name=score][value='1']")
    await tab.click("button:text-is('Give feedback')")
    await tab.wait_for_selector("[role=alert]")
    assert "out of date" in await tab.inner_text("[role=alert]")
    assert by_people(scene) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_is_legible_by_day_and_by_night(tab: "Page", scene: Scene, scheme: Any) -> None:
    await tab.emulate_media(color_scheme=scheme)
    await sign_in(tab, scene)
    assert await tab.evaluate(CONTRAST) >= 4.5
    await tab.goto(f"{scene.address}/review")
    assert await tab.evaluate(CONTRAST) >= 4.5
