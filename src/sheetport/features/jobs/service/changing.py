"""What callers do to jobs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sheetport.features.audit import service as audit
from sheetport.features.jobs.model import Action, Job, JobChange, Status
from sheetport.features.jobs.service.creating import refuse_bad_progress
from sheetport.features.jobs.service.moving import make_ready, move, remove
from sheetport.features.jobs.service.reading import lock_own
from sheetport.features.jobs.service.telling import tell
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

#: The action that leads to a status which an update names.
_TOWARDS = {
    Status.PLANNING: Action.PLAN,
    Status.SCHEDULED: Action.SCHEDULE,
    Status.READY: Action.EXECUTE,
    Status.EXECUTING: Action.ACK,
    Status.COMPLETE: Action.COMPLETE,
    Status.FAILED: Action.FAIL,
    Status.CANCELED: Action.CANCEL,
}


async def execute_job(uow: UnitOfWork, actor: Actor, job_id: str) -> Job:
    """Have the job run: listeners are told job:ready."""
    actor = require(actor, Permission.JOB_WRITE)
    return await make_ready(uow, actor, await lock_own(uow, actor, job_id), Action.EXECUTE)


async def retry_job(uow: UnitOfWork, actor: Actor, job_id: str) -> Job:
    """Have a failed or canceled job run anew."""
    actor = require(actor, Permission.JOB_WRITE)
    job = await lock_own(uow, actor, job_id)
    return await make_ready(uow, actor, job, Action.RETRY, progress=None, info=None)


async def acknowledge_job(uow: UnitOfWork, actor: Actor, job_id: str, change: JobChange) -> Job:
    """Whoever handles the job says so, and how far it is."""
    return await _do(uow, actor, job_id, Action.ACK, **_named(change))


async def complete_job(
    uow: UnitOfWork, actor: Actor, job_id: str, *, outcome: dict[str, Any] | None = None, info: str | None = None
) -> Job:
    """The job is done; ``outcome`` is kept as it is."""
    return await _do(uow, actor, job_id, Action.COMPLETE, **_given(outcome=outcome, info=info))


async def fail_job(
    uow: UnitOfWork, actor: Actor, job_id: str, *, outcome: dict[str, Any] | None = None, info: str | None = None
) -> Job:
    """The job could not be done; ``outcome`` is kept as it is."""
    return await _do(uow, actor, job_id, Action.FAIL, **_given(outcome=outcome, info=info))


async def cancel_job(uow: UnitOfWork, actor: Actor, job_id: str, *, info: str | None = None) -> Job:
    """The job is no longer wanted, nor are its parts."""
    return await _do(uow, actor, job_id, Action.CANCEL, **_given(info=info))


async def acknowledge_outcome(uow: UnitOfWork, actor: Actor, job_id: str) -> Job:
    """Someone has seen the outcome. Raises Invalid for a background job, whose outcome is shown to nobody."""
    actor = require(actor, Permission.JOB_WRITE)
    job = await lock_own(uow, actor, job_id)
    if job.mode == "background":
        raise Invalid("This is a background job: it has no outcome to acknowledge.", "mode")
    return await move(uow, actor, job, Action.ACK_OUTCOME)


async def update_job(uow: UnitOfWork, actor: Actor, job_id: str, change: JobChange) -> Job:
    """Change what ``change`` names; a new status is reached by the table's step, or refused."""
    actor = require(actor, Permission.JOB_WRITE)
    named = _named(change)
    status = named.pop("status", None)
    job = await lock_own(uow, actor, job_id)
    if status in {None, job.status}:
        return await move(uow, actor, job, Action.UPDATE, **named)
    action = _TOWARDS.get(Status(status))
    if action is None:
        raise Invalid(f"This job is {job.status.value}; status cannot be set to {status}.", "status")
    if action is Action.EXECUTE:
        return await make_ready(uow, actor, job, action, **named)
    return await move(uow, actor, job, action, **named)


async def delete_job(uow: UnitOfWork, actor: Actor, job_id: str) -> None:
    """Delete a job and its parts; jobs that wait for one of them fail."""
    actor = require(actor, Permission.JOB_WRITE)
    job = await lock_own(uow, actor, job_id)
    await tell(uow, actor, job, "job:deleted")
    await remove(uow, actor, job)
    await audit.record(uow, actor, "job:delete", job.id, environment_id=job.environment_id)


async def _do(uow: UnitOfWork, actor: Actor, job_id: str, action: Action, **changes: Any) -> Job:
    actor = require(actor, Permission.JOB_WRITE)
    return await move(uow, actor, await lock_own(uow, actor, job_id), action, **changes)


def _named(change: JobChange) -> dict[str, Any]:
    refuse_bad_progress(change.progress)
    return _given(**asdict(change))


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
