"""The durable workflows: a dispatch, one agent's task in it, and a job.

Importing this module imports DBOS and registers both, so it is imported once, in a thread, when the first dispatch
begins. The workflows hold no logic: what happens is decided by steps, whose results are kept, and a workflow that is
taken up by another process replays those and goes on. What they pass around is ids and short words.
"""

import asyncio
import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from dbos import DBOS, DBOSConfig, SetEnqueueOptions, SetWorkflowID

if TYPE_CHECKING:
    from qms_mcp.dispatch.engine import Engine

DISPATCHES, TASKS = "qms-dispatches", "qms-tasks"
_log = logging.getLogger(__name__)
_MOST_RECOVERIES = 100
_MOST_DISPATCHES = 50
_DISPATCH_POLL, _TASK_POLL = 0.2, 0.05
_engines: list["Engine"] = []  # DBOS is one per process, and so is the engine


def bind(engine: "Engine | None") -> None:
    """Say which engine the workflows of this process work for."""
    _engines[:] = [engine] if engine is not None else []


def dispatch_id_of(workflow_id: str) -> str:
    """Return the dispatch a workflow belongs to."""
    return workflow_id.split("/")[1]


def dispatch_workflow(dispatch_id: str, opening: int) -> str:
    """Return the id of the workflow of a dispatch; begun again after its end it is another."""
    return f"dispatch/{dispatch_id}/{opening}"


def task_workflow(dispatch_id: str, key: str, attempt: int) -> str:
    """Return the id of the workflow of a task; each try is another."""
    return f"task/{dispatch_id}/{attempt}/{key}"


def job_workflow(job_id: str) -> str:
    """Return the id of the workflow of a job."""
    return f"job/{job_id}"


@DBOS.workflow(name="qms_dispatch", max_recovery_attempts=_MOST_RECOVERIES)
async def dispatch_flow(dispatch_id: str, opening: int, *, queued: bool) -> str:
    """Carry a dispatch to its end."""
    engine = _engine()
    with engine.working_on():
        course = engine.course(dispatch_id, opening)
        try:
            rounds = 0
            while True:
                chosen = await DBOS.run_step_async({"name": "advance"}, course.advance, rounds)
                tasks = cast("list[tuple[str, int]]", chosen["start"])
                # Begun in their order, so that a repetition numbers them the same; waited for together.
                await asyncio.gather(*(_start_task(dispatch_id, *task, queued=queued) for task in tasks))
                if chosen["finished"]:
                    return await DBOS.run_step_async({"name": "conclude"}, course.conclude)
                rounds += 1
        except Exception:
            _log.exception("dispatch %s failed in a way it should not", dispatch_id)
            await course.break_off()
            raise


@DBOS.workflow(name="qms_task", max_recovery_attempts=_MOST_RECOVERIES)
async def task_flow(dispatch_id: str, key: str, attempt: int) -> str:
    """Carry one agent's task to its end."""
    engine = _engine()
    with engine.working_on(), _said(f"task {key} of dispatch {dispatch_id}"):
        run = engine.run(dispatch_id, key, attempt)
        try:
            while (state := await DBOS.run_step_async({"name": "turn"}, run.turn)) == "more":
                pass
            return state
        finally:
            await asyncio.shield(run.aclose())


@DBOS.workflow(name="qms_job", max_recovery_attempts=_MOST_RECOVERIES)
async def job_flow(job_id: str) -> str:
    """Carry a job to its end; taken up again it goes on from what it kept."""
    engine = _engine()
    with engine.working_on(), _said(f"job {job_id}"):
        return await DBOS.run_step_async({"name": "work"}, engine.do_job, job_id)


async def start_job(job_id: str) -> None:
    """Start a job in this process; started already, it is left alone."""
    with SetWorkflowID(job_workflow(job_id)):
        await DBOS.start_workflow_async(job_flow, job_id)


async def enqueue_job(job_id: str, version: str) -> None:
    """Give a job to the workers."""
    with SetWorkflowID(job_workflow(job_id)), SetEnqueueOptions(app_version=version):
        await DBOS.enqueue_workflow_async(DISPATCHES, job_flow, job_id)


async def start_dispatch(dispatch_id: str, opening: int) -> None:
    """Start a dispatch in this process; started already, it is left alone."""
    with SetWorkflowID(dispatch_workflow(dispatch_id, opening)):
        await DBOS.start_workflow_async(dispatch_flow, dispatch_id, opening, queued=False)


async def _start_task(dispatch_id: str, key: str, attempt: int, *, queued: bool) -> None:
    with SetWorkflowID(task_workflow(dispatch_id, key, attempt)):
        if queued:
            with SetEnqueueOptions(priority=attempt):
                await DBOS.enqueue_workflow_async(TASKS, task_flow, dispatch_id, key, attempt)
        else:
            await DBOS.start_workflow_async(task_flow, dispatch_id, key, attempt)


@contextmanager
def _said(what: str) -> Generator[None]:
    """Say in the log what went wrong in a workflow: DBOS only keeps it."""
    try:
        yield
    except Exception:
        _log.exception("%s failed in a way it should not", what)
        raise


def _engine() -> "Engine":
    if not _engines:
        raise asyncio.CancelledError  # the process is going down: the workflow stays for the next one
    return _engines[0]


# How a process joins, and what it asks --------------------------------------------------------------------------------


async def launch(configuration: dict[str, Any], *, queues: bool, most: int) -> None:
    """Join the workflows. Called from the event loop they shall run in.

    Args:
        configuration: Of DBOS.
        queues: Whether this process takes work from the queues.
        most: Tasks it runs at once.
    """
    DBOS(config=cast("DBOSConfig", configuration))
    DBOS.listen_queues([DISPATCHES, TASKS] if queues else [])
    # In this thread, so that workflows run in this event loop; the tables are there, so it takes some 50 ms.
    DBOS.launch()
    if queues:
        for name, limit, poll in ((DISPATCHES, _MOST_DISPATCHES, _DISPATCH_POLL), (TASKS, most, _TASK_POLL)):
            # One row for all workers: the last one to begin says how many each takes. What it takes beyond its own
            # limit waits for a place in it.
            await DBOS.register_queue_async(
                name, worker_concurrency=limit, polling_interval_sec=poll, on_conflict="always_update"
            )


def leave() -> None:
    """Leave the workflows; what is under way stays for others."""
    DBOS.destroy(workflow_completion_timeout_sec=0)


async def enqueue_dispatch(dispatch_id: str, opening: int, version: str) -> None:
    """Give a dispatch to the workers."""
    options = SetEnqueueOptions(app_version=version)
    with SetWorkflowID(dispatch_workflow(dispatch_id, opening)), options:
        await DBOS.enqueue_workflow_async(DISPATCHES, dispatch_flow, dispatch_id, opening, queued=True)


async def cancel(dispatch_id: str, opening: int) -> None:
    """Keep the workflow of a dispatch and those of its tasks from being taken up again."""
    await DBOS.cancel_workflow_async(dispatch_workflow(dispatch_id, opening), cancel_children=True)


async def executors_with_work(version: str) -> set[str]:
    """Return the processes that have, or had when they died, workflows of a version under way."""
    pending = await DBOS.list_workflows_async(
        status="PENDING", app_version=version, load_input=False, load_output=False
    )
    return {workflow.executor_id for workflow in pending if workflow.executor_id}


async def recover(executors: list[str]) -> None:
    """Put what dead processes had back into the queue; whoever takes it goes on with it."""
    # There is no public name for it; the lock holds the version, and a test kills processes.
    again = DBOS._recover_pending_workflows  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    await asyncio.to_thread(again, executors)


async def status(workflow_id: str) -> str | None:
    """Return the status of a workflow; None when it was never started."""
    found = await DBOS.get_workflow_status_async(workflow_id)
    return found.status if found is not None else None
