"""What callers do with datasets: freeze feedback, bring in cases, read and export what is frozen."""

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from math import isclose
from typing import TYPE_CHECKING
from uuid import UUID

import anyio

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.learning.datasets import rows
from qms_mcp.services.learning.datasets.freezing import frozen, frozen_drafts
from qms_mcp.services.learning.datasets.hashing import canonical, line_of
from qms_mcp.services.learning.datasets.lines import drafts_of_lines
from qms_mcp.services.learning.datasets.models import (
    Curated,
    DatasetItem,
    DatasetPage,
    DatasetVersion,
    Frozen,
    Side,
    Spec,
    Validated,
)
from qms_mcp.services.learning.versions import shipped_agent

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.settings import Settings

_LIST, _COUNT = query("learning_datasets.list"), query("learning_datasets.count")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_AT_ONCE = 500


class Datasets:
    """The datasets of an organization.

    Args:
        database: Where they are.
        settings: What is good enough, unless a call says otherwise.
    """

    def __init__(self, database: "Database", settings: "Settings") -> None:
        self._database = database
        self._threshold = settings.ml_quality_threshold

    async def curate(  # noqa: PLR0913 - each is a choice of its own
        self,
        principal: "Principal",
        agent: str,
        name: str | None = None,
        *,
        reason: str,
        quality_threshold: float | None = None,
        validated: Validated = "weighted",
        since: datetime | None = None,
        until: datetime | None = None,
        min_n: int = 3,
        balance: int | None = None,
        shares: tuple[float, float, float] = (0.6, 0.2, 0.2),
        seed: int | None = None,
        mask: bool = True,
        identifiers: tuple[str, ...] = (),
        dry_run: bool = False,
    ) -> Curated:
        """Freeze what feedback on an agent teaches; the same feedback gives the version that is there.

        Args:
            principal: On whose behalf.
            agent: One of the roster.
            name: Of the dataset; `<agent>-feedback` if left out.
            reason: Why.
            quality_threshold: Score from which an answer is good; that of the settings if left out.
            validated: `only` what a person validated, or all, `weighted` by who said it.
            since: Feedback from then on.
            until: Feedback before then.
            min_n: Fewer items are refused.
            balance: At most so many items of the same slices.
            shares: Of conversations on train, dev and test.
            seed: Of the split; that of the version before if left out.
            mask: Whether secrets and personal data are masked.
            identifiers: Words before a number that make it personal, such as `LOT`.
            dry_run: Keep nothing.

        Raises:
            InvalidInputError: An argument can't be used, or there is too little to freeze.
            ConflictError: The name is that of another agent's dataset.
            NotAllowedError: The caller only reads.
        """
        spec = Spec(
            self._threshold if quality_threshold is None else quality_threshold,
            validated, since, until, min_n, balance, shares, seed, mask, identifiers,
        )  # fmt: skip
        chosen = _checked(agent, name or f"{agent}-feedback", spec)
        given, total, people = await rows.feedback(self._database, principal, agent, spec)
        made = await anyio.to_thread.run_sync(
            partial(frozen, given, spec, people, await self._seed_before(principal, chosen, agent))
        )
        if total > rows.MOST_FEEDBACK:
            left = f"Only the newest {rows.MOST_FEEDBACK:,} of {total:,} feedbacks were looked at."
            made = replace(made, report={**made.report, "notes": [*made.report["notes"], left]})
        return await self._kept(principal, agent, chosen, made, spec, reason, dry_run=dry_run)

    async def bring_in(  # noqa: PLR0913 - each is a choice of its own
        self,
        principal: "Principal",
        agent: str,
        name: str,
        lines: Iterable[str],
        *,
        reason: str,
        seed: int | None = None,
        shares: tuple[float, float, float] = (0.6, 0.2, 0.2),
        mask: bool = True,
        dry_run: bool = False,
    ) -> Curated:
        """Freeze cases that somebody wrote; see `lines`.

        Raises:
            InvalidInputError: Lines can't be used, or there is too little to freeze.
            LimitExceededError: There are too many.
            ConflictError: The name is that of another agent's dataset.
        """
        spec = Spec(self._threshold, min_n=1, shares=shares, seed=seed, mask=mask)
        chosen = _checked(agent, name, spec)
        drafts = drafts_of_lines(lines)
        people = await rows.people(self._database, principal)
        before = await self._seed_before(principal, chosen, agent)
        made = await anyio.to_thread.run_sync(partial(frozen_drafts, drafts, spec, people, before))
        return await self._kept(principal, agent, chosen, made, spec, reason, dry_run=dry_run, origin="imported")

    async def get(self, principal: "Principal", named: str) -> DatasetVersion:
        """Return a version by id, `name@3`, `sha256:…`, or the newest of a name.

        Raises:
            NotFoundError: There is none.
        """
        found = await rows.find(self._database, principal, named.strip())
        if found is None:
            raise NotFoundError(f"There is no dataset {named[:80]!r}.", hint="curate_dataset makes one.")
        return found

    async def items(
        self, principal: "Principal", dataset_version_id: UUID, split: Side | None = None
    ) -> list[DatasetItem]:
        """Return the items of a version on one side, or all, in their order; none when there is no such version."""
        return await rows.items(self._database, principal, dataset_version_id, split or "all")

    async def page(
        self, principal: "Principal", agent: str | None = None, *, limit: int = 50, cursor: str = ""
    ) -> DatasetPage:
        """Return versions, the newest first.

        Raises:
            InvalidInputError: The cursor is none of ours.
        """
        before, before_id = _position(cursor)
        asked = {"agent": agent, "before": before, "before_id": before_id, "max_rows": limit + 1}
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_all(_LIST, asked, row=DatasetVersion)
            total = int((await transaction.fetch_dicts(_COUNT, {"agent": agent}))[0]["total"])
        shown = found[:limit]
        more = f"{shown[-1].created_at.isoformat()}|{shown[-1].id}" if len(found) > limit else ""
        return DatasetPage(total, tuple(shown), more)

    async def exported(self, principal: "Principal", named: str, split: Side | None = None) -> AsyncIterator[str]:
        """Yield a version as lines of JSON, the same bytes every time: first what it is, then its items.

        The SHA-256 of all lines but the first, each with its line end, is `content_sha256`, if all sides are exported.

        Raises:
            NotFoundError: There is no such dataset.
        """
        version = await self.get(principal, named)
        yield canonical(
            {
                "format": 1,
                "dataset": version.name,
                "version": version.version,
                "agent": version.model_name,
                "content_sha256": version.content_sha256,
                "n": version.n,
                "split": split or "all",
            }
        )
        after = 0
        while some := await rows.items(
            self._database, principal, version.id, split or "all", after=after, most=_AT_ONCE
        ):
            for item in some:
                yield line_of(item)
            after = some[-1].position

    async def _seed_before(self, principal: "Principal", name: str, agent: str) -> int | None:
        """Return the seed of the newest version of a name, so that no conversation moves from version to version."""
        found = await rows.find(self._database, principal, name)
        if found is None or found.model_name != agent:
            return None
        seed = found.spec.get("seed")
        return seed if isinstance(seed, int) else None

    async def _kept(
        self,
        principal: "Principal",
        agent: str,
        name: str,
        made: Frozen,
        spec: Spec,
        reason: str,
        *,
        dry_run: bool,
        origin: str = "feedback",
    ) -> Curated:
        version, is_new = None, False
        if dry_run:
            found = await rows.find(self._database, principal, f"sha256:{made.content_sha256}")
            version = found if found is not None and found.name == name else None
        else:
            stored = {**replace(spec, seed=made.seed).stored(), "origin": origin, "reason": reason}
            version, is_new = await rows.freeze(self._database, principal, agent, name, made, stored, reason)
        return Curated(
            agent=agent,
            name=name,
            version=version,
            content_sha256=made.content_sha256,
            n=len(made.items),
            report=made.report,
            unchanged=version is not None and not is_new,
            dry_run=dry_run,
        )


def _checked(agent: str, name: str, spec: Spec) -> str:
    """Return the name, if it and the spec can be used."""
    shipped_agent(agent)
    if not _NAME.fullmatch(name) or _is_uuid(name):
        raise InvalidInputError(
            f"{name[:40]!r} is no name of a dataset.", hint="Lower-case letters, digits, dot, dash, underscore."
        )
    if not 0 <= spec.quality_threshold <= 1:
        raise InvalidInputError("quality_threshold is a score from 0 to 1.")
    if not isclose(sum(spec.shares), 1, abs_tol=1e-9) or min(spec.shares) < 0:
        raise InvalidInputError("The shares of train, dev and test have to add up to 1.", hint="Such as 0.6, 0.2, 0.2.")
    if spec.balance is not None and spec.balance < 1:
        raise InvalidInputError("balance is how many items of the same slices are kept: at least 1.")
    if spec.since and spec.until and spec.since >= spec.until:
        raise InvalidInputError("since has to be before until.")
    return name


def _is_uuid(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True


def _position(cursor: str) -> tuple[datetime | None, UUID | None]:
    if not cursor:
        return None, None
    try:
        moment, last = cursor.split("|")
        return datetime.fromisoformat(moment), UUID(last)
    except ValueError as wrong:
        raise InvalidInputError("The cursor is none of ours.", hint="Pass next_cursor of the page before.") from wrong
