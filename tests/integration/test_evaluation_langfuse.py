"""An evaluation in Langfuse: a dataset, its items, the runs that answered them, the scores; and nobody waits for it."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import anyio
import pytest

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.dispatch.tracing import agent_span_id
from qms_mcp.ledger.langfuse import LangfuseSink
from qms_mcp.ledger.langfuse.sink import Pace
from qms_mcp.ledger.record import langfuse_trace
from qms_mcp.services.learning.evaluation.mirroring import DATASETS, ITEMS, RUN_ITEMS, mirror
from qms_mcp.services.learning.evaluation.models import Case, CaseResult, DatasetCases, Evaluation
from qms_mcp.settings import Settings
from tests.conftest import Tenants
from tests.support.langfuse_receiver import Receiver, langfuse_receiver
from tests.support.ledger import until

pytestmark = pytest.mark.anyio

QUICK = Pace(gather=0.02, look=0.1, first_wait=0.05, last_wait=0.1, tries=2)
ITEM_IDS = [UUID(int=1), UUID(int=2)]
RUN_IDS = [uuid4(), uuid4()]


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with langfuse_receiver() as running:
        yield running


@asynccontextmanager
async def shipping(receiver: Receiver, database: Database, principal: Principal) -> AsyncGenerator[None]:
    keys = {"LANGFUSE_PUBLIC_KEY": "pk-lf-test", "LANGFUSE_SECRET_KEY": "sk-lf-test"}
    settings = Settings.from_environment({**keys, "LANGFUSE_HOST": receiver.address})
    sink = LangfuseSink(settings, database, principal.organization_id, pace=QUICK)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sink.run)
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True), anyio.fail_after(5):
                await sink.aclose()


DATASET = DatasetCases(
    uuid4(), "late", 3, "f" * 64, "test", [Case(f"k{at}", f"Which? {at}", item_id=ITEM_IDS[at]) for at in (0, 1)]
)
MEASURED = Evaluation(
    id=uuid4(), agent="qa", version_id=uuid4(), version="qa@0123456789ab", dataset_version_id=uuid4(),
    purpose="score", split="test", spec={}, spec_sha256="0" * 64, dispatch_id=uuid4(), job_id=None,
    state="completed", n=2, score=0.5, cost_usd=0.0, summary={}, error=None,
    created_at=datetime.now(UTC), finished_at=datetime.now(UTC),
)  # fmt: skip
RESULTS = [
    CaseResult(f"k{at}", 0.5, {"findings": 0.5}, {"findings": "task"}, RUN_IDS[at], "completed", item_id=ITEM_IDS[at])
    for at in (0, 1)
]


async def test_dataset_items_runs_and_scores_arrive_in_an_order_the_host_accepts(
    receiver: Receiver, database: Database, tenants: Tenants
) -> None:
    async with shipping(receiver, database, tenants.ours):
        await mirror(database, tenants.ours, MEASURED, DATASET, RESULTS)
        await until(lambda: len(receiver.received.posted) == 5 and len(receiver.received.scores) == 4)
    paths = [path for path, _ in receiver.received.posted]
    assert paths == [DATASETS, ITEMS, ITEMS, RUN_ITEMS, RUN_ITEMS]
    run = receiver.received.posted[-1][1]
    assert MEASURED.dispatch_id is not None
    assert run["traceId"] == langfuse_trace(MEASURED.dispatch_id)
    assert run["observationId"] == f"{agent_span_id(RUN_IDS[1]).int >> 64:016x}"
    assert {one["name"] for one in receiver.received.scores} == {"evaluation.score", "evaluation.findings"}
    assert len({one["id"] for one in receiver.received.scores}) == 4


async def test_a_host_without_dataset_runs_gets_all_else(
    receiver: Receiver, database: Database, tenants: Tenants
) -> None:
    receiver.lacks = {RUN_ITEMS}
    async with shipping(receiver, database, tenants.ours):
        await mirror(database, tenants.ours, MEASURED, DATASET, RESULTS)
        await until(lambda: len(receiver.received.posted) == 3 and len(receiver.received.scores) == 4)


async def test_a_host_that_was_away_gets_it_later_and_in_order(
    receiver: Receiver, database: Database, tenants: Tenants
) -> None:
    receiver.down()
    async with shipping(receiver, database, tenants.ours):
        await mirror(database, tenants.ours, MEASURED, DATASET, RESULTS)
        receiver.up()
        await until(lambda: len(receiver.received.posted) == 5 and len(receiver.received.scores) == 4)
    assert receiver.received.posted[0][0] == DATASETS
