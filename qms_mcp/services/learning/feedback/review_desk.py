"""The desk at which a person judges answers. The review page uses it, and nothing a model can reach.

As at the desk for signatures, every call names the session by its token, and the database finds out whose it is: a
person is `human` only inside the function that takes the feedback.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotAuthenticatedError, NotFoundError
from qms_mcp.services.learning.feedback.models import LONGEST_LABEL

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_WAITING, _RUN = query("learning_feedback.review_waiting"), query("learning_feedback.review_run")
_GIVE = query("learning_feedback.review_give")
PER_PAGE = 50
# Every character may take twelve bytes of a form.
LONGEST_HERE = 2_000


@dataclass(frozen=True, slots=True)
class WaitingReview:
    """An answer in the list of a person; no scores, so that nobody is led by them.

    Attributes:
        place: Where it is in the order; the next page begins after that of the last.
        total: How many wait.
    """

    run_id: UUID
    organization: str
    agent: str
    agent_version: str | None
    lane: str | None
    request: str | None
    completed_at: datetime
    reasons: list[str]
    place: str
    total: int


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ShownCall(_Shown):
    """What a tool was asked and said.

    Attributes:
        asked: Arguments, shortened.
        said: Answer, shortened.
    """

    label: str
    tool: str
    ok: bool | None = None
    asked: str | None = None
    said: str | None = None


class OwnFeedback(_Shown):
    """What the person has given."""

    id: UUID
    score: float
    label: str
    comment: str | None
    created_at: datetime


class EarlierFeedback(_Shown):
    """What others gave."""

    source: str
    kind: str | None
    score: float
    label: str
    comment: str | None
    created_at: datetime
    by: str | None


class ShownRun(_Shown):
    """An answer as a person judges it.

    Attributes:
        sha256: Of request and answer as they are shown: what is judged is this.
        others: How much others have given; what, is in `earlier` once there is an own score.
    """

    run_id: UUID
    organization: str
    agent: str
    agent_version: str | None
    lane: str | None
    model: str | None
    status: str
    completed_at: datetime
    request: str | None
    subject: str | None
    answer: dict[str, Any] | None
    sha256: str
    calls: list[ShownCall]
    own: OwnFeedback | None
    others: int
    earlier: list[EarlierFeedback]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person says of an answer.

    Attributes:
        score: From 0 to 1.
        shown_sha256: Of what was shown.
    """

    run_id: UUID
    score: float
    label: str
    comment: str
    shown_sha256: str


class ReviewDesk:
    """What waits for a look, and judging it.

    Args:
        database: Where it is.
        to_langfuse: Whether scores go there.
    """

    def __init__(self, database: "Database", *, to_langfuse: bool = False) -> None:
        self._database = database
        self._to_langfuse = to_langfuse

    async def waiting(self, token: str, after: str = "") -> list[WaitingReview]:
        """Return a page of what waits for the person of a session."""
        params = {"token": token, "place": after, "max_rows": PER_PAGE}
        async with self._database.plumbing() as transaction:
            return await transaction.fetch_all(_WAITING, params, row=WaitingReview)

    async def run(self, token: str, run_id: UUID) -> ShownRun:
        """Return one answer with all that it is judged by.

        Raises:
            NotFoundError: There is none with this id in the organizations of the person.
        """
        async with self._database.plumbing() as transaction:
            shown = (await transaction.fetch_dicts(_RUN, {"token": token, "run_id": run_id}))[0]["shown"]
        if shown is None:
            raise NotFoundError("There is no such answer for you.", hint="The list shows what waits.")
        return ShownRun.model_validate(shown)

    async def give(self, token: str, given: Judgement) -> UUID:
        """Store what a person says of an answer, and return the id of the feedback.

        Raises:
            ConflictError: The person has judged it, or it is not what was shown.
            InvalidInputError: A text is too long, or the score out of bounds.
            NotAllowedError: The person only reads.
            NotAuthenticatedError: The session has ended.
            NotFoundError: There is no such answer in the organizations of the person.
        """
        for name, text, most in (("comment", given.comment, LONGEST_HERE), ("label", given.label, LONGEST_LABEL)):
            if len(text) > most:
                raise InvalidInputError(
                    f"The {name} has {len(text)} characters; {most} are the most.", hint="Say it in fewer words."
                )
        params: dict[str, Any] = {
            "token": token,
            "run_id": given.run_id,
            "score": given.score,
            "label": given.label.strip(),
            "comment": given.comment.strip(),
            "shown_sha256": given.shown_sha256,
            "to_langfuse": self._to_langfuse,
        }
        async with self._database.plumbing() as transaction:
            made = (await transaction.fetch_dicts(_GIVE, params))[0]["id"]
        if made is None:
            raise NotAuthenticatedError("The session has ended.", hint="Sign in again; nothing was stored.")
        return made
