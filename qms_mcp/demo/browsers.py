"""Browsers in which the people of the story sign: a real headless Chromium where there is one, or forms over HTTP.

Both do what a person does: open the link, sign in the first time, read, type the password, press the button.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from qms_mcp.demo.story import Signatory

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response
    from playwright.async_api import Browser as Chromium
    from playwright.async_api import Page

_CHROMIUM = Path("/usr/bin/chromium")


class Browser(Protocol):
    """Where people sign."""

    async def sign(self, link: str, person: Signatory) -> str:
        """Sign what the link leads to, and return what the page says then."""
        ...


def _has_chromium() -> bool:
    return _CHROMIUM.exists() and find_spec("playwright") is not None


class NotSignedError(Exception):
    """The page did not take the signature; the text says what it said."""


@asynccontextmanager
async def a_browser() -> AsyncGenerator[tuple[Browser, str]]:
    """Yield the best browser there is, and its name."""
    if not _has_chromium():
        forms = Forms()
        try:
            yield forms, "forms over HTTP (no Chromium with Playwright here)"
        finally:
            await forms.aclose()
        return
    from playwright.async_api import async_playwright  # noqa: PLC0415 - a tool of developers, and heavy

    # As root Chromium has no sandbox; the page it visits is this server's own.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=_CHROMIUM, args=arguments)
        try:
            yield Windows(started), f"headless Chromium {started.version}"
        finally:
            await started.close()


class Windows:
    """A window of Chromium for each person, so that each has a session of its own."""

    def __init__(self, browser: "Chromium") -> None:
        self._browser = browser
        self._tabs: dict[str, Page] = {}

    async def sign(self, link: str, person: Signatory) -> str:
        """Sign what the link leads to."""
        tab = self._tabs.get(person.user)
        if tab is None:
            context = await self._browser.new_context(viewport={"width": 390, "height": 844})
            context.set_default_timeout(15_000)
            tab = self._tabs[person.user] = await context.new_page()
        await tab.goto(link)
        await tab.wait_for_url(lambda address: "?t=" not in address)
        await tab.wait_for_selector("input[name=password]")
        if await tab.query_selector("button[value=approved]") is None:
            await tab.fill("input[name=user_id]", person.user)
            await tab.fill("input[name=password]", person.password)
            await tab.click("button:text-is('Sign in')")
            await tab.wait_for_selector("button[value=approved]")
        if await tab.query_selector(".decide input[name=user_id]"):
            await tab.fill(".decide input[name=user_id]", person.user)
        await tab.fill(".decide input[name=password]", person.password)
        if await tab.is_disabled("button[value=approved]"):
            raise NotSignedError(await tab.inner_text(".decide .error"))
        await tab.click("button[value=approved]")
        await tab.wait_for_selector("#outcome, [role=alert]")
        if await tab.query_selector("#outcome") is None:
            raise NotSignedError(await tab.inner_text("[role=alert]"))
        return await tab.inner_text("#outcome")


class Forms:
    """The same without a browser: the forms of the page, filled in and sent."""

    def __init__(self) -> None:
        self._clients: dict[str, AsyncClient] = {}

    async def aclose(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()

    async def sign(self, link: str, person: Signatory) -> str:
        """Sign what the link leads to."""
        from httpx2 import AsyncClient  # noqa: PLC0415 - only here

        client = self._clients.setdefault(person.user, AsyncClient(follow_redirects=True, timeout=30, trust_env=False))
        page = await client.get(link)
        form = _Form.of(page)
        if form.goes_on_to:
            page = await client.get(page.url.join(form.goes_on_to))
            form = _Form.of(page)
        if "shown_sha256" not in form.values:
            page = await _send(client, page, form, {"user_id": person.user, "password": person.password})
            form = _Form.of(page)
        typed = {"password": person.password, "verdict": "approved", "why": ""}
        if "user_id" in form.names:
            typed["user_id"] = person.user
        page = await _send(client, page, form, typed)
        outcome = _Texts.of(page)
        if "Approved" not in outcome:
            raise NotSignedError(outcome or page.text[:500])
        return outcome


async def _send(client: "AsyncClient", page: "Response", form: "_Form", typed: dict[str, str]) -> "Response":
    address = page.url.join(form.action)
    origin = f"{address.scheme}://{address.netloc.decode()}"
    return await client.post(address, data=form.values | typed, headers={"origin": origin, "referer": str(page.url)})


class _Form(HTMLParser):
    """The form of a page that asks for a password."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.values: dict[str, str] = {}
        self.names: set[str] = set()
        self.goes_on_to = ""
        self._found = False

    @classmethod
    def of(cls, page: "Response") -> "_Form":
        """Return the form of a page."""
        form = cls()
        form.feed(page.text)
        return form

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take up a form, unless the one wanted is there already."""
        named = dict(attrs)
        if tag == "meta" and named.get("http-equiv") == "refresh":
            self.goes_on_to = (named.get("content") or "").partition("url=")[2]
        if tag == "form" and not self._found:
            self.action, self.values, self.names = named.get("action") or "", {}, set()
        name = named.get("name")
        if tag == "input" and name and not (self._found and name in self.names):
            self.names.add(name)
            if named.get("type") == "hidden":
                self.values[name] = named.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        """Keep the first form with a password in it."""
        if tag == "form" and "password" in self.names:
            self._found = True


class _Texts(HTMLParser):
    """What a page says of the outcome."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._inside = False

    @classmethod
    def of(cls, page: "Response") -> str:
        """Return the text of the outcome or of the error."""
        parser = cls()
        parser.feed(page.text)
        return " ".join(parser.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin where the outcome or an error begins."""
        named = dict(attrs)
        if named.get("id") == "outcome" or named.get("role") == "alert":
            self._inside = tag == "div"

    def handle_endtag(self, tag: str) -> None:
        """End with it."""
        if tag == "div":
            self._inside = False

    def handle_data(self, data: str) -> None:
        """Keep its words."""
        if self._inside:
            self.text += data
