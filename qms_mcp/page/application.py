"""The page as an ASGI application."""

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.routing import Route

from qms_mcp.errors import QmsError
from qms_mcp.page.reviewing import ReviewPages, routes_of
from qms_mcp.page.seals import Seals
from qms_mcp.page.shield import App, Shield
from qms_mcp.services.learning.feedback.review_desk import ReviewDesk
from qms_mcp.services.signing.desk import SigningDesk


def build_page(desk: SigningDesk, reviews: ReviewDesk, *, hosts: Iterable[str], secure: bool = False) -> App:
    """Return the page.

    Args:
        desk: Where it is decided.
        reviews: Where answers of agents are judged.
        hosts: The values of `Host` that are answered.
        secure: It is reached over TLS.
    """
    pages = ReviewPages(desk, reviews, Seals(), secure=secure)
    routes = [
        Route("/", pages.home),
        Route("/page.css", pages.style),
        Route("/sign-in", pages.sign_in, methods=["POST"]),
        Route("/sign-out", pages.sign_out, methods=["POST"]),
        Route("/a/{approval_id:uuid}", pages.approval),
        Route("/a/{approval_id:uuid}", pages.decide, methods=["POST"]),
        Route("/reports/{report_id:uuid}", pages.acknowledge, methods=["POST"]),
        *routes_of(pages),
    ]
    refusals = {QmsError: pages.refused, 404: pages.refused}
    return Shield(Starlette(routes=routes, exception_handlers=refusals), hosts)
