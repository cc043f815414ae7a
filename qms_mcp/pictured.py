"""Pictures in the answers of tools: image content for all clients, an app for those that show apps (SEP-1865).

A tool that takes `picture` is bound to the app. Its answer may carry images (`_images`: media type and bytes) and the
description they were drawn from (`_picture`); a client that shows apps gets the latter as SVG in `_meta`, which a model
does not read. All other clients get what they always got.
"""

import base64
import logging
from typing import TYPE_CHECKING, Any, Final, cast

import anyio.to_thread
from mcp.server.apps import Apps, client_supports_apps
from mcp.server.mcpserver import Context
from mcp_types import ImageContent
from pydantic import BaseModel

if TYPE_CHECKING:
    from qms_mcp.pictures.model import Picture

_log = logging.getLogger(__name__)
APP_URI: Final = "ui://qms-mcp/analysis.html"
SVG_KEY: Final = "qms-mcp/svg"


def images_of(answer: BaseModel) -> list[ImageContent]:
    """Return the images an answer carries."""
    images = cast("tuple[tuple[str, bytes], ...]", getattr(answer, "_images", ()))
    return [
        ImageContent(type="image", data=base64.b64encode(image).decode(), mime_type=media_type)
        for media_type, image in images
    ]


async def app_meta_of(answer: BaseModel, ctx: object) -> dict[str, Any] | None:
    """Return what the app shows beside the answer; None if there is no picture, or the client shows no apps."""
    picture = cast("Picture | None", getattr(answer, "_picture", None))
    if picture is None or not isinstance(ctx, Context) or not client_supports_apps(cast("Context[Any]", ctx)):
        return None
    from qms_mcp.pictures.drawing import draw  # noqa: PLC0415 - loads the plotting library when the first is drawn

    try:
        svg = await anyio.to_thread.run_sync(draw, picture, "svg")
    except Exception:  # noqa: BLE001 - whatever it was, the numbers are not lost with their picture
        _log.exception("a picture could not be drawn; its answer goes without")
        return None
    return {SVG_KEY: svg.decode()}


def app_binding(parameters: dict[str, Any]) -> dict[str, Any] | None:
    """Return the `_meta` of a tool by its arguments: one that takes `picture` is shown in the app."""
    return {"ui": {"resourceUri": APP_URI}} if "picture" in parameters.get("properties", {}) else None


def analysis_app() -> Apps:
    """Return the extension that serves the app."""
    from importlib.resources import files  # noqa: PLC0415 - takes longer to import than to use

    html = files("qms_mcp.pictures").joinpath("analysis.html").read_text(encoding="utf-8")
    apps = Apps()
    apps.add_html_resource(
        APP_URI,
        html,
        name="analysis",
        title="Analysis",
        description="Shows the picture, signals and values of an analysis, for clients with MCP Apps.",
        prefers_border=True,
    )
    return apps
