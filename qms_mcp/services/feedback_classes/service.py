"""Classifying feedback: by a model when one is configured, else by the classifier, else by rules alone.

What was not used, and why, stands in the answer.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import anyio.to_thread

from qms_mcp.auth.acting import current_acting
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotFoundError, QmsError
from qms_mcp.services.feedback_classes.asking import FeedbackModel, Judged, ModelUnusableError
from qms_mcp.services.feedback_classes.classifier import Classifier, brought_by
from qms_mcp.services.feedback_classes.deciding import Feedback, decide
from qms_mcp.services.feedback_classes.models import CATEGORIES, Category, ClassifiedFeedback, FeedbackClasses
from qms_mcp.services.records.models import cited

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.settings import Settings

_RECORDS, _BROUGHT = query("feedback_classes.records"), query("learning_training.classifier")
_CLASSIFIED = "complaint"
_MOST = 200
_IN_BUDGET = "Rules and the classifier answered: what a model costs has to be in the budget of the agent."
_NO_KEY = "No ANTHROPIC_API_KEY is set: rules and the classifier answered."


class FeedbackClassifier:
    """Says what feedback is about.

    Args:
        database: Where records are.
        settings: Whether a model may be asked.
    """

    def __init__(self, database: "Database", settings: "Settings") -> None:
        self._database = database
        self._model = FeedbackModel.from_settings(settings)
        self._classifier = Classifier()

    async def classify(
        self, principal: "Principal", texts: Sequence[str] = (), records: Sequence[str] = ()
    ) -> FeedbackClasses:
        """Return what texts and complaints are about, texts first.

        Raises:
            InvalidInputError: There is nothing to classify or too much, a text is empty, a record is no complaint.
            NotFoundError: There is no such record.
        """
        if not 1 <= len(texts) + len(records) <= _MOST:
            raise InvalidInputError(
                f"{len(texts) + len(records)} texts and records were given.", hint=f"Give 1 to {_MOST}."
            )
        blank = [number for number, text in enumerate(texts, start=1) if not text.strip()]
        if blank:
            raise InvalidInputError(f"Text {blank[0]} is empty.", hint="Leave it out.")
        feedback = [Feedback(f"text {number}", text) for number, text in enumerate(texts, start=1)]
        if records:
            feedback += await self._recorded(principal, records)
        judged, fallback = await self._judged(feedback)
        shares: list[dict[Category, float]] | None = None
        if judged is None:
            shares, without = await self._shares(principal, feedback)
            fallback = f"{fallback} {without}".strip()
        results = await anyio.to_thread.run_sync(_decided, feedback, shares, judged)
        counted = Counter(one.category for one in results)
        return FeedbackClasses(
            results=results,
            counts={category: counted[category] for category in CATEGORIES if counted[category]},
            urgent=sum(one.urgency != "normal" for one in results),
            fallback=fallback,
        )

    async def _recorded(self, principal: "Principal", records: Sequence[str]) -> list[Feedback]:
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_RECORDS, {"asked_for": [one.strip() for one in records]})
        found = list[Feedback]()
        for row in rows:
            if row["number"] is None:
                raise NotFoundError(
                    f"There is no record {row['reference'][:60]!r}.", hint="list_records finds complaints."
                )
            if row["category"] != _CLASSIFIED:
                raise InvalidInputError(
                    f"{row['number']} is a {row['category']}, no complaint.", hint="Give its words as a text."
                )
            text = "\n".join(part for part in (row["title"], row["description"]) if part)
            found.append(Feedback(cited(row), text, row["number"], row["event_type"] or ""))
        return found

    async def _judged(self, feedback: Sequence[Feedback]) -> tuple[list[Judged] | None, str]:
        if self._model is None:
            return None, _NO_KEY
        if current_acting().by_agent:
            return None, _IN_BUDGET
        try:
            return await self._model.judge([one.text for one in feedback]), ""
        except ModelUnusableError as unusable:
            return None, f"Rules and the classifier answered: {unusable}."

    async def _shares(
        self, principal: "Principal", feedback: Sequence[Feedback]
    ) -> tuple[list[dict[Category, float]] | None, str]:
        brought = await self._brought(principal)
        try:
            return await self._classifier.shares([one.text for one in feedback], brought), ""
        except QmsError as error:
            return None, f"Only rules answered: {error.message}"

    async def _brought(self, principal: "Principal") -> bytes | None:
        """Return the weights of the version that answers: that of the run that asks, else the one in production."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_dicts(_BROUGHT, {"run_id": current_acting().run_id})
        return brought_by(found[0]["classifier"]) if found else None


def _decided(
    feedback: Sequence[Feedback], shares: Sequence[dict[Category, float]] | None, judged: Sequence[Judged] | None
) -> list[ClassifiedFeedback]:
    return [
        decide(one, shares[place] if shares else None, judged[place] if judged else None)
        for place, one in enumerate(feedback)
    ]
