"""The pages of approvals: what waits, one approval, signing in and out.

A person without a session sees a form to sign in and nothing else. After signing in it goes where the link led, which
the visit remembers; no address is ever taken from a request.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Literal
from urllib.parse import parse_qs
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from qms_mcp.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError, QmsError, UnavailableError
from qms_mcp.page.rendering import STYLE, render, zones
from qms_mcp.page.seals import Seals, Visit
from qms_mcp.page.showing import Reader, since_signed
from qms_mcp.services.signing.desk import SigningDesk
from qms_mcp.services.signing.models import Decision, Session, ShownApproval

SESSION: Final = "qms_session"
VISIT: Final = "qms_visit"
_MOST_FIELDS: Final = 12
_STATUS: Final[Mapping[type[QmsError], int]] = {
    ConflictError: 409, InvalidInputError: 422, NotAllowedError: 403, NotFoundError: 404, UnavailableError: 503,
}  # fmt: skip
STALE: Final = InvalidInputError("This form is out of date.", hint="It is shown anew; nothing was decided.")


class Pages:
    """The handlers of the approval page.

    Args:
        desk: Where it is decided.
        seals: For visits and form tokens.
        secure: Cookies only over TLS; on the loopback address there is none.
    """

    def __init__(self, desk: SigningDesk, seals: Seals, *, secure: bool = False) -> None:
        self._desk = desk
        self._seals = seals
        self._secure = secure

    async def home(self, request: Request) -> Response:
        """Show what waits for the person."""
        token, session = await self._session(request)
        if session is None:
            return self._sign_in_form(request, self._seals.opened_visit(request.cookies.get(VISIT)))
        waiting, reports = await self._desk.waiting(token), await self._desk.reports(token)
        return self._page("waiting.html", session, token, waiting=waiting, reports=reports)

    async def approval(self, request: Request) -> Response:
        """Show one approval; a link with a one-time token leads here first."""
        approval_id: UUID = request.path_params["approval_id"]
        link = request.query_params.get("t")
        if link is not None:
            return await self._followed(link, approval_id)
        token, session = await self._session(request)
        if session is not None:
            shown = await self._desk.approval(token, approval_id)
            return self._with_visit(self._shown(shown, session, token), approval_id)
        visit = self._seals.opened_visit(request.cookies.get(VISIT))
        if visit is None or visit.approval_id != approval_id:
            return RedirectResponse("/", status_code=303)
        return self._sign_in_form(request, visit)

    async def sign_in(self, request: Request) -> Response:
        """Open a session for who knows the password; always a new one."""
        form, visit = await posted(request), self._seals.opened_visit(request.cookies.get(VISIT))
        if visit is None or not self._seals.is_token(form.get("token", ""), visit.word, "sign in"):
            return self._sign_in_form(request, visit, error=STALE)
        try:
            token = await self._desk.sign_in(
                form.get("user_id", "").strip(), form.get("password", ""), form.get("zone", "")
            )
        except NotAllowedError as error:
            return self._sign_in_form(request, visit, error=error, user_id=form.get("user_id", ""))
        if former := request.cookies.get(SESSION):
            await self._desk.sign_out(former)
        response = RedirectResponse(visit.leads_to, status_code=303)
        self._set(response, SESSION, token)
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        token, session = await self._session(request)
        form = await posted(request)
        response = RedirectResponse("/", status_code=303)
        if session is not None and self._seals.is_token(form.get("token", ""), token, "sign out"):
            await self._desk.sign_out(token)
            response.delete_cookie(SESSION, httponly=True, samesite="strict", secure=self._secure)
            response.delete_cookie(VISIT, httponly=True, samesite="strict", secure=self._secure)
        return response

    async def decide(self, request: Request) -> Response:
        """Sign or reject."""
        approval_id: UUID = request.path_params["approval_id"]
        token, session = await self._session(request)
        form = await posted(request)
        here = RedirectResponse(f"/a/{approval_id}", status_code=303)
        if session is None:
            return self._with_visit(here, approval_id)
        try:
            if not self._seals.is_token(form.get("token", ""), token, f"decide {approval_id}"):
                raise STALE
            await self._desk.decide(token, _decision(approval_id, form))
        except (ConflictError, InvalidInputError, NotAllowedError) as error:
            _, session = await self._session(request)
            if session is None:  # the wrong password was one too many
                return self._sign_in_form(request, self._seals.visit(approval_id)[0], error=error)
            shown = await self._desk.approval(token, approval_id)
            return self._shown(shown, session, token, error=error, why=form.get("why", ""))
        return here

    async def acknowledge(self, request: Request) -> Response:
        """Note that a security report was seen."""
        token, session = await self._session(request)
        report_id: UUID = request.path_params["report_id"]
        if session is not None:
            form = await posted(request)
            if self._seals.is_token(form.get("token", ""), token, f"acknowledge {report_id}"):
                await self._desk.acknowledge(token, report_id)
        return RedirectResponse("/", status_code=303)

    async def style(self, request: Request) -> Response:
        """Return the style sheet."""
        del request
        return Response(STYLE, media_type="text/css")

    async def refused(self, request: Request, error: Exception) -> Response:
        """Say what is wrong, in a page."""
        del request
        known = error if isinstance(error, QmsError) else NotFoundError("There is no such page.")
        return HTMLResponse(render("message.html", session=None, error=known), status_of(known))

    async def _followed(self, link: str, approval_id: UUID) -> Response:
        if await self._desk.follow_link(link) != approval_id:
            gone = ConflictError(
                "This link was opened before, or is too old.",
                hint="Sign in to see what waits for you, or ask for a new link.",
            )
            return HTMLResponse(render("message.html", session=None, error=gone), 410)
        # Not a redirect: a browser that came from another site would leave its strict cookies out of that too.
        return self._with_visit(
            HTMLResponse(render("opening.html", session=None, approval_id=approval_id)), approval_id
        )

    async def _session(self, request: Request) -> tuple[str, Session | None]:
        token = request.cookies.get(SESSION, "")
        return token, await self._desk.session(token)

    def _shown(
        self,
        approval: ShownApproval,
        session: Session,
        token: str,
        *,
        error: QmsError | None = None,
        why: str = "",
    ) -> HTMLResponse:
        record = approval.record
        reader = Reader(record.people if record else None, session.zone)
        return self._page(
            "approval.html",
            session,
            token,
            status=status_of(error),
            approval=approval,
            record=record,
            sections=reader.sections(record.content) if record else [],
            changes=since_signed(record, reader) if record else [],
            form_token=self._seals.form_token(token, f"decide {approval.id}"),
            error=error,
            why=why,
        )

    def _page(self, template: str, session: Session, token: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        values["sign_out_token"] = self._seals.form_token(token, "sign out")
        values["token_for"] = partial(self._seals.form_token, token)
        return HTMLResponse(render(template, session=session, **values), status)

    def _sign_in_form(
        self, request: Request, visit: Visit | None, *, error: QmsError | None = None, user_id: str = ""
    ) -> HTMLResponse:
        del request
        visit, cookie = self._seals.visit(
            visit.subject if visit else None, to_review=visit.to_review if visit else False
        )
        page = render(
            "sign_in.html",
            session=None,
            form_token=self._seals.form_token(visit.word, "sign in"),
            for_approval=visit.approval_id is not None,
            zones=zones(),
            user_id=user_id,
            error=error,
        )
        response = HTMLResponse(page, status_of(error))
        self._set(response, VISIT, cookie)
        return response

    def _with_visit(self, response: Response, approval_id: UUID) -> Response:
        self._set(response, VISIT, self._seals.visit(approval_id)[1])
        return response

    def _set(self, response: Response, name: str, value: str) -> None:
        response.set_cookie(name, value, httponly=True, samesite="strict", secure=self._secure)


def _decision(approval_id: UUID, form: Mapping[str, str]) -> Decision:
    verdicts: dict[str, Literal["approved", "rejected"]] = {"approved": "approved", "rejected": "rejected"}
    verdict = verdicts.get(form.get("verdict", ""))
    if verdict is None:
        raise STALE
    return Decision(
        approval_id=approval_id,
        verdict=verdict,
        shown_sha256=form.get("shown_sha256", ""),
        why=form.get("why", "").replace("\r\n", "\n").replace("\0", "").strip(),
        user_id=form.get("user_id", "").strip() or None,
        password=form.get("password", ""),
    )


def status_of(error: QmsError | None) -> int:
    """Return the status of a page that says what is wrong."""
    return 200 if error is None else _STATUS.get(type(error), 400)


async def posted(request: Request) -> dict[str, str]:
    """Return the fields of a form; none where it is no form of ours."""
    try:
        fields = parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}
