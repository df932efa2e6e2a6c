"""Moves jobs through their table of steps, with everything that follows from a move."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

from sheetport.features.jobs import store
from sheetport.features.jobs.model import AIMS, FINAL, PATIENCE, STEPS, Action, Job, Status, Step
from sheetport.features.jobs.service.telling import place_of, tell
from sheetport.features.places import service as places
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid
from sheetport.storage.unit_of_work import UnitOfWork

_LOST = frozenset({Status.FAILED, Status.CANCELED})
_RUNNING = frozenset({Status.READY, Status.EXECUTING})
#: The actions a caller can ask for by routes of their own.
_ASKED = frozenset(
    set(Action) - {Action.PLAN, Action.SCHEDULE, Action.WAIT, Action.RELEASE, Action.FORSAKE, Action.EXPIRE}
)


async def move(uow: UnitOfWork, actor: Actor, job: Job, action: Action, **changes: Any) -> Job:
    """Do ``action`` to a locked ``job``, set ``changes``, tell of it, and settle what waited for its end.

    Raises Invalid where the table has no such step.
    """
    was_final = job.status in FINAL
    job = await _step(uow, actor, job, action, **changes)
    if job.status in FINAL and not was_final:
        await settle(uow, actor, job)
    return job


async def make_ready(uow: UnitOfWork, actor: Actor, job: Job, action: Action, **changes: Any) -> Job:
    """EXECUTE or RETRY a locked ``job``, which waits instead while a predecessor is unfinished."""
    step_of(job, action)
    for predecessor_id in sorted(job.predecessor_ids or []):
        predecessor = await store.lock_job(uow, job.environment_id, predecessor_id)
        if predecessor is None or predecessor.status in _LOST:
            raise Invalid(f"{_fate(predecessor, predecessor_id)}, so this job can never run.", "predecessorIds")
        if predecessor.status is not Status.COMPLETE:
            action = Action.WAIT
    return await move(uow, actor, job, action, **changes)


def step_of(job: Job, action: Action) -> Step:
    """The table's step. Raises Invalid naming both states."""
    step = STEPS.get((job.status, action))
    if step is None or (action is Action.EXECUTE and job.announced_at is not None):
        raise Invalid(_refusal(job, action), "status")
    return step


async def settle(uow: UnitOfWork, actor: Actor, ended: Job) -> None:
    """What an ended (or deleted) job causes: waiting jobs run or fail, its parts stop, its siblings go on."""
    pending = deque([ended])
    while pending:
        job = pending.popleft()
        pending += await _settle_waiting(uow, actor, job)
        if job.status in _LOST:
            pending += await _cancel_parts(uow, actor, job)
        if job.parent_id is not None:
            await _settle_parent(uow, actor, job)


async def remove(uow: UnitOfWork, actor: Actor, job: Job) -> None:
    """Delete a job with its parts, and theirs; jobs that wait for one of them fail."""
    gone = deque([job])
    unfinished = []
    while gone:
        each = gone.popleft()
        gone += await store.list_parts(uow, each)
        await store.delete_job(uow, each)
        await places.delete_place(uow, place_of(each))
        if each.status not in FINAL:
            unfinished.append(each)
    for each in unfinished:
        await settle(uow, actor, each)


async def _step(uow: UnitOfWork, actor: Actor, job: Job, action: Action, **changes: Any) -> Job:
    step = step_of(job, action)
    job = replace(job, status=step.status, updated_at=uow.now, **_stamps(uow, job, action, step.status) | changes)
    await store.update_job(uow, job)
    for topic in step.topics:
        await tell(uow, actor, job, topic)
    return job


def _stamps(uow: UnitOfWork, job: Job, action: Action, status: Status) -> dict[str, Any]:
    """The times (and what else) a step sets by itself."""
    if action is Action.ACK_OUTCOME:
        return {"outcome_acknowledged_at": uow.now}
    if action is Action.UPDATE:
        return {} if job.deadline_at is None else {"deadline_at": uow.now + PATIENCE}
    if status in FINAL:
        progress = 100 if status is Status.COMPLETE else job.progress
        return {"finished_at": uow.now, "deadline_at": None, "progress": progress}
    if status is Status.EXECUTING:
        # While its parts run, a split job has no deadline of its own: they have theirs.
        split = action is Action.SPLIT or (job.status is Status.EXECUTING and job.deadline_at is None)
        deadline = None if split else uow.now + PATIENCE
        return {"started_at": job.started_at or uow.now, "acknowledged_at": uow.now, "deadline_at": deadline}
    if status is Status.READY:
        return _FRESH | {"announced_at": uow.now, "deadline_at": uow.now + PATIENCE}
    return _FRESH if job.status in FINAL else {"deadline_at": None}


#: A job that runs anew has nothing of its former run.
_FRESH: dict[str, Any] = dict.fromkeys(
    (
        *("started_at", "finished_at", "outcome_acknowledged_at", "acknowledged_at", "announced_at", "deadline_at"),
        *("estimated_completion_at", "outcome"),
    )
)


async def _settle_waiting(uow: UnitOfWork, actor: Actor, ended: Job) -> list[Job]:
    """Run or fail the jobs that waited for ``ended``; those that failed."""
    failed = []
    for job in await store.lock_waiting_on(uow, ended.environment_id, ended.id):
        fates = [(other, await store.find_job(uow, job.environment_id, other)) for other in job.predecessor_ids or []]
        lost = [_fate(found, other) for other, found in fates if found is None or found.status in _LOST]
        if lost:
            message = f"{lost[0]}, so this job, which waited for it, cannot run."
            failed.append(await _step(uow, actor, job, Action.FORSAKE, info=message, outcome={"message": message}))
        elif all(found is not None and found.status is Status.COMPLETE for _, found in fates):
            await _step(uow, actor, job, Action.RELEASE)
    return failed


async def _cancel_parts(uow: UnitOfWork, actor: Actor, parent: Job) -> list[Job]:
    """Cancel the unfinished parts of an ended job; those canceled."""
    canceled = []
    for part in await store.list_parts(uow, parent):
        locked = await store.lock_job(uow, part.environment_id, part.id)
        if locked is not None and locked.status not in FINAL:
            canceled.append(await _step(uow, actor, locked, Action.CANCEL, info="The job this is a part of has ended."))
    return canceled


async def _settle_parent(uow: UnitOfWork, actor: Actor, part: Job) -> None:
    """After a part's end, start the next one in the row; after the last one's, tell so."""
    parent = await store.lock_job(uow, part.environment_id, part.parent_id or "")
    if parent is None or parent.status in FINAL:
        return
    counts = await store.count_parts(uow, parent)
    if _RUNNING & counts.keys():
        return  # one that waited was canceled, or a former one runs anew
    following = await store.lock_next_part(uow, parent)
    if following is not None:
        await _step(uow, actor, following, Action.RELEASE)
        return
    if any(status not in FINAL for status in counts):
        return
    deadline = uow.now + PATIENCE if parent.status in _RUNNING else None
    await store.update_job(uow, replace(parent, updated_at=uow.now, deadline_at=deadline))
    parts = {
        "total": sum(counts.values()),
        "completed": counts.get(Status.COMPLETE, 0),
        "failed": counts.get(Status.FAILED, 0),
        "canceled": counts.get(Status.CANCELED, 0),
    }
    await tell(uow, actor, parent, "job:parts-completed", parts=parts)


def _fate(job: Job | None, job_id: str) -> str:
    """``Its predecessor us_jb_… (workbook:a) failed``."""
    if job is None:
        return f"The predecessor {job_id!r} does not exist"
    word = {Status.FAILED: "failed", Status.CANCELED: "was canceled"}.get(job.status, f"is {job.status.value}")
    return f"The predecessor {job_id!r} ({job.name}) {word}"


def _refusal(job: Job, action: Action) -> str:
    aim = AIMS.get(action)
    wish = f"be moved to {aim.value} by {action.value}" if aim else "have its outcome acknowledged"
    possible = sorted(a.value for (s, a) in STEPS if s is job.status and a in _ASKED)
    if action is Action.EXECUTE and job.status is Status.READY:
        possible.remove(Action.EXECUTE.value)
        return f"This job is ready: job:ready was told already; it cannot {wish} again. It takes {_list(possible)}."
    return f"This job is {job.status.value}; it cannot {wish}. It takes {_list(possible)}."


def _list(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
