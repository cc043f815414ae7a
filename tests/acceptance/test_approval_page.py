"""The approval page in a real headless Chromium: a person signs, and everything that must not work does not."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.errors import NotAllowedError
from qms_mcp.page.serving import ApprovalPage
from qms_mcp.services.signing.desk import SigningDesk
from qms_mcp.services.signing.service import Signing
from tests.conftest import add_person
from tests.support.browser import CHROMIUM, FOREIGN_NAME, chromium, foreign_site
from tests.support.people import person_with_password, sign
from tests.support.workflow import change_title, request_step, small_record, small_workflow

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"NO BROWSER: the approval page is NOT tested without {CHROMIUM}"),
]

HOSTILE = (
    "<script>window.hacked=1</script><img src=x onerror='window.hacked=2'>"
    '"><svg onload=window.hacked=3>'
    "{{7*7}}javascript:alert(1)\u202egnp.exe</textarea></title>"
    "<meta http-equiv=refresh content='0;url=http://attacker.example/'>"
)
FRAME = '<iframe id="victim" src="{address}" width="600" height="400"></iframe>'
FORGED = """<form id="f" method="post" action="{address}">
<input name="verdict" value="approved"><input name="password" value="{password}">
<input name="user_id" value="{user_id}"><input name="shown_sha256" value="{sha256}"></form>
<script>document.getElementById("f").submit()</script>"""


@dataclass(frozen=True)
class Scene:
    """The page, a record that waits on it, and the people around it."""

    page: ApprovalPage
    address: str
    author: Principal
    approver: Principal
    password: str
    record_id: UUID
    approval_id: UUID


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
async def scene(database: Database) -> AsyncGenerator[Scene]:
    await small_workflow(database)
    organization_id = uuid4()
    author = await add_person(database, organization_id, "northwind", "owner", "approver")
    approver, password = await person_with_password(database, organization_id, "northwind", "qa_approver")
    record_id = await small_record(
        database, author, HOSTILE, description=HOSTILE, tags=[HOSTILE], metadata={"x": HOSTILE}
    )
    approval_id = await request_step(database, author, record_id, "closed")
    page = ApprovalPage(database)
    yield Scene(page, await page.start(), author, approver, password, record_id, approval_id)
    await page.aclose()


async def sign_in(tab: "Page", scene: Scene, *, password: str | None = None) -> None:
    await tab.fill("input[name=user_id]", scene.approver.email or "")
    await tab.fill("input[name=password]", password or scene.password)
    await tab.click("button:text-is('Sign in')")


async def open_approval(tab: "Page", scene: Scene) -> None:
    await tab.goto(await scene.page.link(scene.approval_id))
    await tab.wait_for_url(f"{scene.address}/a/{scene.approval_id}")
    await sign_in(tab, scene)
    await tab.wait_for_selector("button[value=approved]")


async def state_of(database: Database, scene: Scene) -> str:
    desk = SigningDesk(database)
    token = await desk.sign_in(scene.approver.email or "", scene.password)
    return (await desk.approval(token, scene.approval_id)).state


async def test_a_person_signs_on_a_phone(tab: "Page", scene: Scene, database: Database) -> None:
    await open_approval(tab, scene)
    text = await tab.inner_text("main")
    for shown in (
        "RSK-",
        "version 1",
        "closed",
        "approval",
        "Asked by",
        "Because the test wants it.",
        " UTC",
        "sha256",
    ):
        assert shown in text
    assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways on a phone"
    await tab.fill("input[name=user_id]", scene.approver.email or "")
    await tab.fill("input[name=password]", scene.password)
    await tab.click("button[value=approved]")
    await tab.wait_for_selector("#outcome")
    assert "Approved by Person" in await tab.inner_text("#outcome")
    assert "Signed by Person" in await tab.inner_text(".signatures")
    assert "valid" in await tab.inner_text(".signatures")
    assert await tab.query_selector("button[value=approved]") is None
    (signature,) = await Signing(database).statuses(scene.author, scene.record_id)
    assert (signature.status, signature.components) == ("valid", 2)


async def test_a_rejection_needs_a_reason_and_is_signed(tab: "Page", scene: Scene, database: Database) -> None:
    await open_approval(tab, scene)
    await tab.fill("input[name=user_id]", scene.approver.email or "")
    await tab.fill("input[name=password]", scene.password)
    await tab.click("button[value=rejected]")
    await tab.wait_for_selector("[role=alert]")
    assert "needs a reason" in await tab.inner_text("[role=alert]")
    await tab.fill("textarea[name=why]", "The cause <b>is not</b> shown.")
    # The refused try counts for nothing, so this still is the first signature of the session.
    await tab.fill("input[name=user_id]", scene.approver.email or "")
    await tab.fill("input[name=password]", scene.password)
    await tab.click("button[value=rejected]")
    await tab.wait_for_selector("#outcome")
    assert "The cause <b>is not</b> shown." in await tab.inner_text("#outcome")
    (signature,) = await Signing(database).statuses(scene.author, scene.record_id)
    assert (signature.verdict, signature.reason) == ("rejected", "The cause <b>is not</b> shown.")


async def test_text_of_a_record_is_shown_and_never_obeyed(tab: "Page", scene: Scene, database: Database) -> None:
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    await change_title(database, scene.author, scene.record_id, f"Second {HOSTILE}")
    again = await request_step(database, scene.author, scene.record_id, "closed")
    await tab.goto(await scene.page.link(again))
    await tab.wait_for_url(f"{scene.address}/a/{again}")
    await sign_in(tab, scene)
    await tab.wait_for_selector("button[value=approved]")
    assert await tab.evaluate("window.hacked") is None
    assert await tab.evaluate("document.querySelectorAll('script, img, svg, iframe, style, object').length") == 0
    text = await tab.inner_text("main")
    assert "<script>window.hacked=1</script>" in text
    assert "{{7*7}}" in text
    assert "\\u202e" in text
    assert "\u202e" not in await tab.content()
    assert "What version 2 changed" in text
    await tab.goto(f"{scene.address}/")
    assert "<script>window.hacked=1</script>" in await tab.inner_text("main")
    assert await tab.evaluate("window.hacked") is None
    assert {url for url in asked if not url.startswith(scene.address)} == set()


async def test_the_page_cannot_be_framed(tab: "Page", scene: Scene) -> None:
    await open_approval(tab, scene)
    async with foreign_site(FRAME.format(address=f"{scene.address}/a/{scene.approval_id}")) as site:
        async with tab.expect_event("requestfailed") as refused:
            await tab.goto(site)
        assert (await refused.value).failure == "net::ERR_BLOCKED_BY_RESPONSE"
        assert await tab.frames[-1].query_selector("form") is None


async def test_a_form_of_another_site_decides_nothing(tab: "Page", scene: Scene, database: Database) -> None:
    await open_approval(tab, scene)
    sha256 = await tab.input_value("input[name=shown_sha256]")
    values = {"password": scene.password, "user_id": scene.approver.email, "sha256": sha256}
    for path in (f"/a/{scene.approval_id}", "/sign-in", "/sign-out"):
        async with foreign_site(FORGED.format(address=scene.address + path, **values)) as site:
            await tab.goto(site)
            await tab.wait_for_url(scene.address + path)
            assert "did not come from the approval page" in await tab.inner_text("body")
    assert await state_of(database, scene) == "pending"


async def test_a_form_without_its_token_decides_nothing(tab: "Page", scene: Scene, database: Database) -> None:
    await open_approval(tab, scene)
    await tab.evaluate("document.querySelector('.decide input[name=token]').value = '0'.repeat(64)")
    await tab.fill("input[name=user_id]", scene.approver.email or "")
    await tab.fill("input[name=password]", scene.password)
    await tab.click("button[value=approved]")
    await tab.wait_for_selector("[role=alert]")
    assert "out of date" in await tab.inner_text("[role=alert]")
    assert await state_of(database, scene) == "pending"


async def test_another_name_for_this_machine_is_not_answered(tab: "Page", scene: Scene) -> None:
    port = scene.address.rpartition(":")[2]
    answer = await tab.goto(f"http://{FOREIGN_NAME}:{port}/a/{scene.approval_id}")
    assert answer is not None
    assert answer.status == 421
    assert await tab.query_selector("form") is None
    answer = await tab.goto(f"http://localhost:{port}/")
    assert answer is not None
    assert answer.status == 200


async def test_a_session_somebody_planted_is_not_the_one_after_signing_in(
    tab: "Page", context: "BrowserContext", scene: Scene, database: Database
) -> None:
    desk = SigningDesk(database)
    thief, secret = await person_with_password(database, scene.author.organization_id, "northwind", "reporter")
    planted = await desk.sign_in(thief.email or "", secret)
    await desk.sign_out(planted)
    await context.add_cookies([{"name": "qms_session", "value": planted, "url": scene.address}])
    await open_approval(tab, scene)
    (held,) = [one for one in await context.cookies() if one.get("name") == "qms_session"]
    assert held.get("value") != planted
    assert held.get("httpOnly")
    assert held.get("sameSite") == "Strict"
    assert await desk.session(planted) is None


async def test_signing_in_leads_nowhere_but_to_the_page(tab: "Page", scene: Scene) -> None:
    await tab.goto(f"{scene.address}/?next=http://{FOREIGN_NAME}/&redirect=//{FOREIGN_NAME}/")
    await sign_in(tab, scene)
    await tab.wait_for_selector("h1:text-is('What waits')")
    assert tab.url == f"{scene.address}/"


async def test_a_link_opens_once_and_without_one_there_is_only_the_sign_in(
    tab: "Page", browser: "Browser", scene: Scene
) -> None:
    link = await scene.page.link(scene.approval_id)
    await tab.goto(link)
    await tab.wait_for_url(f"{scene.address}/a/{scene.approval_id}")
    assert "RSK-" not in await tab.inner_text("body")
    other = await browser.new_context()
    second = await other.new_page()
    answer = await second.goto(link)
    assert answer is not None
    assert answer.status == 410
    await second.goto(f"{scene.address}/a/{scene.approval_id}")
    assert second.url == f"{scene.address}/"
    await other.close()


async def test_wrong_and_unknown_and_locked_read_the_same(tab: "Page", scene: Scene) -> None:
    words: list[str] = []
    await tab.goto(f"{scene.address}/")
    for user_id in ("nobody@northwind.example", *[scene.approver.email or ""] * 6):
        await tab.fill("input[name=user_id]", user_id)
        await tab.fill("input[name=password]", "not this one at all")
        async with tab.expect_navigation():
            await tab.click("button:text-is('Sign in')")
        words.append(await tab.inner_text("[role=alert]"))
    await sign_in(tab, scene)
    await tab.wait_for_selector("[role=alert]")
    words.append(await tab.inner_text("[role=alert]"))
    assert len(set(words)) == 1


async def test_after_signing_out_nothing_is_left_to_go_back_to(
    tab: "Page", context: "BrowserContext", scene: Scene
) -> None:
    await open_approval(tab, scene)
    async with tab.expect_navigation():
        await tab.click("button:text-is('Sign out')")
    await tab.go_back()
    assert "RSK-" not in await tab.inner_text("body")
    assert [one for one in await context.cookies() if one.get("name") == "qms_session"] == []


async def test_what_changed_or_was_decided_meanwhile_is_said_and_not_signed(
    tab: "Page", context: "BrowserContext", scene: Scene, database: Database
) -> None:
    second = await request_step(database, scene.author, await small_record(database, scene.author, "Another"), "closed")
    await open_approval(tab, scene)
    await change_title(database, scene.author, scene.record_id, "Something else")
    await tab.fill("input[name=user_id]", scene.approver.email or "")
    await tab.fill("input[name=password]", scene.password)
    await tab.click("button[value=approved]")
    await tab.wait_for_selector("[role=alert]")
    assert "changed since" in await tab.inner_text("[role=alert]")
    assert await tab.is_disabled("button[value=approved]")
    await tab.goto(f"{scene.address}/a/{second}")
    await sign(database, second, scene.approver, scene.password)
    await tab.fill("input[name=user_id]", scene.approver.email or "")
    await tab.fill("input[name=password]", scene.password)
    await tab.click("button[value=approved]")
    await tab.wait_for_selector("[role=alert]")
    assert "nothing to decide" in await tab.inner_text("[role=alert]")
    assert [one.status for one in await Signing(database).statuses(scene.author, scene.record_id)] == []


async def test_every_answer_is_guarded(context: "BrowserContext", scene: Scene) -> None:
    ask = context.request
    form = {"content-type": "application/x-www-form-urlencoded"}
    answers = {
        200: await ask.get(f"{scene.address}/"),
        404: await ask.get(f"{scene.address}/nothing/here"),
        410: await ask.get(f"{scene.address}/a/{scene.approval_id}?t=guessed"),
        413: await ask.post(f"{scene.address}/sign-in", data="x" * 40_000, headers=form),
        405: await ask.delete(f"{scene.address}/"),
        403: await ask.post(f"{scene.address}/sign-in", data="{}", headers={"content-type": "application/json"}),
        422: await ask.post(f"{scene.address}/sign-in", data="user_id=a&password=b", headers=form),
    }
    assert {status: answer.status for status, answer in answers.items()} == {status: status for status in answers}
    for answer in [*answers.values(), await ask.get(f"{scene.address}/page.css")]:
        headers = answer.headers
        assert headers["content-security-policy"].startswith("default-src 'none';")
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


async def test_it_reads_well_in_the_dark(browser: "Browser", scene: Scene) -> None:
    shades: dict[str, str] = {}
    for scheme in ("light", "dark"):
        made = await browser.new_context(color_scheme=scheme)
        page = await made.new_page()
        await page.goto(f"{scene.address}/")
        shades[scheme] = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        await made.close()
    assert shades == {"light": "rgb(245, 246, 248)", "dark": "rgb(18, 22, 28)"}


async def test_links_of_nothing_are_not_made_and_the_page_stops(scene: Scene, context: "BrowserContext") -> None:
    with pytest.raises(NotAllowedError):
        await scene.page.link(uuid4())
    await scene.page.aclose()
    with pytest.raises(Exception, match="ECONNREFUSED"):
        await context.request.get(f"{scene.address}/")
