"""Fails jobs that nobody takes care of. The runtime runs this every few seconds, in each process."""

from __future__ import annotations

from sheetport.features.jobs import store
from sheetport.features.jobs.model import PATIENCE, Action, Job, Status
from sheetport.features.jobs.service import move
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import MINUTE
from sheetport.storage.unit_of_work import UnitOfWork

BATCH = 100


async def fail_overdue(uow: UnitOfWork) -> int:
    """Fail up to BATCH jobs, of every environment, that gave no sign of life for five minutes; how many.

    Call it again at once while it answers above 0. Several processes may call it at the same time: none waits for
    another, and each job fails once.
    """
    failed = 0
    for overdue in await store.lock_overdue(uow, BATCH):
        job = await store.lock_job(uow, overdue.environment_id, overdue.id)
        if job is None or job.deadline_at is None or job.deadline_at > uow.now:
            continue  # it ended along with one before it
        message = f"{_what_happened(job)} {_who_listened(job, await _listeners(uow, job))}"
        actor = system_actor(job.account_id, job.environment_id)
        outcome = {"acknowledge": True, "heading": "Nobody handled this job in time", "message": message}
        await move(uow, actor, job, Action.EXPIRE, info=message, outcome=outcome)
        failed += 1
    return failed


#: The topics and patterns by which an agent is told of jobs that are ready.
_READY = {"job:ready", "job:*", "job:**", "*:ready", "*:*", "**"}


async def _listeners(uow: UnitOfWork, job: Job) -> list[str]:
    """Those who could have handled the job: programs that were connected, and agents that this server runs."""
    told = [slug for slug, topics in await store.list_agents(uow, job) if topics is None or _READY & set(topics)]
    return [*await store.list_listeners(uow, job), *(f"agent {slug}" for slug in told)]


def _what_happened(job: Job) -> str:
    minutes = PATIENCE // MINUTE
    if job.status is Status.EXECUTING:
        return f"This job failed: it was executing and not acknowledged for {minutes} minutes."
    if job.announced_at is None:
        return f"This job failed: it was ready, but nothing executed it for {minutes} minutes."
    return f"This job failed: job:ready was told, but not acknowledged for {minutes} minutes."


def _who_listened(job: Job, names: list[str]) -> str:
    if not names:
        return f"No listener was connected to environment {job.environment_id}. Start one, then retry the job."
    return (
        f"Connected were: {', '.join(dict.fromkeys(names))}. See that one of them handles job:ready with "
        f"job '{job.name}' and acknowledges it; then retry the job."
    )
