"""A real headless Chromium, and a site of somebody else for it to visit."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Browser

CHROMIUM = Path("/usr/bin/chromium")
# A name an attacker owns and points at this machine.
FOREIGN_NAME = "attacker.example"


@asynccontextmanager
async def chromium() -> "AsyncGenerator[Browser]":
    """Yield a browser."""
    from playwright.async_api import async_playwright

    arguments = [f"--host-resolver-rules=MAP {FOREIGN_NAME} 127.0.0.1"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # as root it has none
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def foreign_site(html: str) -> AsyncGenerator[str]:
    """Serve a page of somebody else on another port and under another name, and yield its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = html.encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://{FOREIGN_NAME}:{server.sockets[0].getsockname()[1]}/"
