"""The review page: what agents answered and a person should look at, one answer, and what the person says of it.

It is the approval page with two more pages: the same session, seals and shield. What others gave is not on the page
until the person has said what they think.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from qms_mcp.agents.outputs import AgentOutput, Finding
from qms_mcp.agents.roster import roster
from qms_mcp.errors import ConflictError, InvalidInputError, NotAllowedError, QmsError
from qms_mcp.page.seals import Seals
from qms_mcp.page.views import STALE, Pages, posted, status_of
from qms_mcp.services.feedback_classes.models import CATEGORIES
from qms_mcp.services.learning.feedback.review_desk import PER_PAGE, Judgement, ReviewDesk, ShownRun
from qms_mcp.services.signing.desk import SigningDesk
from qms_mcp.services.signing.models import Session

# Each with its words, so that two people mean the same by one.
SCALE: Final[tuple[tuple[str, str], ...]] = (
    ("0", "Wrong or harmful"),
    ("0.25", "Mostly not usable"),
    ("0.5", "Usable after much work"),
    ("0.75", "Good, with small flaws"),
    ("1", "Just right"),
)
LABELS: Final = (
    "right", "wrong fact", "evidence does not show it", "incomplete", "not what was asked", "unclear", "unsafe",
)  # fmt: skip
REASONS: Final[Mapping[str, str]] = {
    "low_score": "scored low",
    "disagreement": "scores disagree",
    "drifted": "its agent has drifted",
    "random": "drawn at random",
}
_KINDS: Final = (("insights", "Insights"), ("actions", "Actions"), ("recommendations", "Recommendations"))


@dataclass(frozen=True, slots=True)
class ShownFindings:
    """Findings of one kind, under their title."""

    title: str
    findings: list[Finding]


class ReviewPages(Pages):
    """The handlers of both pages.

    Args:
        desk: Where it is decided.
        reviews: Where answers are judged.
        seals: For visits and form tokens.
        secure: Cookies only over TLS; on the loopback address there is none.
    """

    def __init__(self, desk: SigningDesk, reviews: ReviewDesk, seals: Seals, *, secure: bool = False) -> None:
        super().__init__(desk, seals, secure=secure)
        self._reviews = reviews

    async def reviews(self, request: Request) -> Response:
        """Show what waits for a look."""
        token, session = await self._session(request)
        if session is None:
            return RedirectResponse("/", status_code=303)
        after = request.query_params.get("after", "")[:200]
        waiting = await self._reviews.waiting(token, after.replace("\0", ""))
        more = waiting[-1].place if waiting and waiting[-1].total > len(waiting) == PER_PAGE else ""
        return self._page("reviews.html", session, token, waiting=waiting, more=more, reasons=REASONS)

    async def review(self, request: Request) -> Response:
        """Show one answer; whoever has to sign in first comes back to it."""
        run_id: UUID = request.path_params["run_id"]
        token, session = await self._session(request)
        if session is None:
            return self._sign_in_form(request, self._seals.visit(run_id, to_review=True)[0])
        return self._answer(await self._reviews.run(token, run_id), session, token)

    async def judge(self, request: Request) -> Response:
        """Store what the person says."""
        run_id: UUID = request.path_params["run_id"]
        token, session = await self._session(request)
        form = await posted(request)
        here = RedirectResponse(f"/review/{run_id}", status_code=303)
        if session is None:
            return here
        try:
            if not self._seals.is_token(form.get("token", ""), token, f"review {run_id}"):
                raise STALE
            await self._reviews.give(token, _judgement(run_id, form))
        except (ConflictError, InvalidInputError, NotAllowedError) as error:
            shown = await self._reviews.run(token, run_id)
            return self._answer(shown, session, token, error=error, form=form)
        return here

    def _answer(
        self,
        run: ShownRun,
        session: Session,
        token: str,
        *,
        error: QmsError | None = None,
        form: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        answer = AgentOutput.model_validate(run.answer) if run.answer else None
        kinds = [ShownFindings(title, getattr(answer, name)) for name, title in _KINDS] if answer else []
        return self._page(
            "review.html",
            session,
            token,
            status=status_of(error),
            run=run,
            title=roster()[run.agent].title if run.agent in roster() else run.agent,
            summary=answer.summary if answer else "",
            kinds=[kind for kind in kinds if kind.findings],
            scale=SCALE,
            labels=(*LABELS, *CATEGORIES) if run.agent == "feedback" else LABELS,
            words={float(score): said for score, said in SCALE},
            form_token=self._seals.form_token(token, f"review {run.run_id}"),
            error=error,
            form=form or {},
        )


def _judgement(run_id: UUID, form: Mapping[str, str]) -> Judgement:
    chosen = form.get("score", "")
    if chosen not in dict(SCALE):
        raise InvalidInputError("No score was chosen.", hint="Choose one of the five; nothing was stored.")
    return Judgement(
        run_id=run_id,
        score=float(chosen),
        label=_plain(form.get("label", "")),
        comment=_plain(form.get("comment", "")),
        shown_sha256=form.get("shown_sha256", ""),
    )


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\0", "").strip()


def routes_of(pages: ReviewPages) -> list[Route]:
    """Return the routes of the review page."""
    return [
        Route("/review", pages.reviews),
        Route("/review/{run_id:uuid}", pages.review),
        Route("/review/{run_id:uuid}", pages.judge, methods=["POST"]),
    ]
