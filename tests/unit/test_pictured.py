"""Answers with pictures on their way to a client: images for all, the app's SVG for those that show apps."""

from typing import Any, cast

import pytest
from mcp.client import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.server.mcpserver import MCPServer
from mcp_types import ImageContent, TextContent, TextResourceContents
from pydantic import PrivateAttr

from qms_mcp.context import Ctx
from qms_mcp.pictured import APP_URI, SVG_KEY, analysis_app
from qms_mcp.pictures.model import Panel, Picture, Series
from qms_mcp.registered import registered
from qms_mcp.registry import ToolSpec, tool
from qms_mcp.services.answer import Answer

pytestmark = pytest.mark.anyio
DRAWN = Picture(title="T", panels=(Panel(series=(Series(y=(1.0, 2.0)),)),))


class Told(Answer):
    headline: str
    _images: tuple[tuple[str, bytes], ...] = PrivateAttr(default=())
    _picture: Picture | None = PrivateAttr(default=None)

    def illustrated(self, images: tuple[tuple[str, bytes], ...]) -> "Told":
        self._images, self._picture = images, DRAWN
        return self


@tool(toolset="analytics", title="Draw", reads=True)
async def draw_it(ctx: Ctx, picture: str = "none") -> Told:
    """Draw."""
    return Told(headline="Two values.").illustrated((("image/png", b"\x89PNG"),) if picture != "none" else ())


@tool(toolset="analytics", title="Say", reads=True)
async def say_it(ctx: Ctx) -> Told:
    """Say."""
    return Told(headline="No picture.")


def served() -> MCPServer[Any]:
    specs = [cast("ToolSpec", vars(fn)["__qms_tool__"]) for fn in cast("list[Any]", [draw_it, say_it])]
    return MCPServer("test", tools=[registered(spec) for spec in specs], extensions=[analysis_app()])


async def test_a_client_without_apps_gets_text_and_the_image_it_asked_for() -> None:
    async with Client(served()) as client:
        result = await client.call_tool("draw_it", {"picture": "png"})
        plain = await client.call_tool("draw_it", {})
    text, image = result.content
    assert isinstance(text, TextContent)
    assert text.text == '{"headline":"Two values."}'
    assert isinstance(image, ImageContent)
    assert (image.mime_type, image.data) == ("image/png", "iVBORw==")
    assert SVG_KEY not in (result.meta or {})
    assert len(plain.content) == 1


async def test_a_client_with_apps_gets_the_picture_beside_what_the_model_reads() -> None:
    apps = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})
    async with Client(served(), extensions=[apps]) as client:
        result = await client.call_tool("draw_it", {})
        without = await client.call_tool("say_it", {})
    assert len(result.content) == 1
    assert str((result.meta or {})[SVG_KEY]).startswith("<svg ")
    assert SVG_KEY not in (without.meta or {})


async def test_tools_that_take_a_picture_name_the_app_and_the_app_is_there() -> None:
    async with Client(served()) as client:
        tools = {one.name: one.meta for one in (await client.list_tools()).tools}
        page = (await client.read_resource(APP_URI)).contents[0]
    assert tools["draw_it"] == {"ui": {"resourceUri": APP_URI}}
    assert tools["say_it"] is None
    assert isinstance(page, TextResourceContents)
    assert page.mime_type == APP_MIME_TYPE
    assert page.text.startswith("<!doctype html>")
    assert not any(address in page.text for address in ("http://", "https://", "innerHTML"))
