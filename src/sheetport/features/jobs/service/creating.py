"""New jobs: a caller's, the server's own, and the parts of one."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from sheetport.features.jobs import store
from sheetport.features.jobs.model import (
    FINAL,
    INITIAL,
    MAX_PARTS,
    PATIENCE,
    Action,
    Job,
    JobDraft,
    Status,
)
from sheetport.features.jobs.service.moving import make_ready, move, remove, step_of
from sheetport.features.jobs.service.reading import lock_own
from sheetport.features.jobs.service.served import find_server
from sheetport.features.jobs.service.telling import place_of, tell
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid, NotFound
from sheetport.kernel.ids import new_id
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

#: Types whose source may be something without a place of its own.
_PLACELESS = frozenset({"agent", "app", "autobuild", "onboarding"})


async def create_job(uow: UnitOfWork, actor: Actor, draft: JobDraft) -> Job:
    """A new job; ``trigger`` immediate makes it ready at once. Raises NotFound for an unreachable source."""
    actor = require(actor, Permission.JOB_WRITE)
    _refuse_bad_draft(draft)
    place = await _place_of_source(uow, actor, draft)
    if draft.parent_id is not None:
        await places.get_place(uow, actor, draft.parent_id, "jb")
    for predecessor_id in draft.predecessor_ids or []:
        found = await places.find_place(uow, actor, predecessor_id)
        if found is None or (found.kind, found.environment_id) != ("jb", place.environment_id):
            raise Invalid(f"There is no job {predecessor_id[:60]!r} in this environment.", "predecessorIds")
    return await _create(uow, actor, place, draft)


async def create_system_job(
    uow: UnitOfWork,
    actor: Actor,
    place: Place,
    *,
    type: str,  # noqa: A002 - the API's own word
    operation: str,
    source: str,
    trigger: str = "immediate",
    mode: str | None = None,
    input: dict[str, Any] | None = None,  # noqa: A002 - the API's own word
    config: Any = None,
    managed: bool = True,
) -> Job:
    """A job the server makes for a ``place`` the caller was let at already, such as ``space:configure``."""
    draft = JobDraft(
        type=type,
        operation=operation,
        source=source,
        trigger=trigger,
        mode=mode,
        input=input,
        config=config,
        managed=managed,
    )
    return await _create(uow, actor, place, draft)


async def place_jobs(uow: UnitOfWork, actor: Actor, made: list[Job]) -> None:
    """Put whole jobs into an environment that is being made, telling nobody.

    One that was under way has the usual time to be taken up; then it fails as any does.
    """
    actor = require(actor, Permission.ENVIRONMENT_CREATE)
    running = {Status.READY, Status.EXECUTING}
    whole = [replace(job, deadline_at=uow.now + PATIENCE if job.status in running else None) for job in made]
    await store.insert_jobs(uow, whole)
    await places.add_places(uow, [place_of(job) for job in whole])


async def split_job(
    uow: UnitOfWork, actor: Actor, job_id: str, parts: list[dict[str, Any] | None], *, parallel: bool
) -> Job:
    """Make a part of the job for each item (its ``partData``), all ready at once or one after the other."""
    actor = require(actor, Permission.JOB_WRITE)
    if not 1 <= len(parts) <= MAX_PARTS:
        raise Invalid(f"parts: split a job into 1 to {MAX_PARTS} parts.", "parts")
    job = await lock_own(uow, actor, job_id)
    step_of(job, Action.SPLIT)
    await _clear_parts(uow, actor, job)
    job = await move(uow, actor, job, Action.SPLIT)
    for number, data in enumerate(parts, start=1):
        part = replace(_part_of(uow, actor, job, number, data), part_execution="parallel" if parallel else "sequential")
        await _add(uow, actor, part)
        await move(uow, actor, part, Action.EXECUTE if parallel or number == 1 else Action.WAIT)
    return job


async def _create(uow: UnitOfWork, actor: Actor, place: Place, draft: JobDraft) -> Job:
    named = {name: value for name, value in asdict(draft).items() if value is not None and name != "environment_id"}
    status = named.pop("status", Status.CREATED)
    job = Job(
        id=new_id("jb", place.environment_id),
        environment_id=place.environment_id,
        account_id=place.account_id,
        status=status,
        created_by=actor.id,
        created_at=uow.now,
        updated_at=uow.now,
        space_id=place.space_id,
        workbook_id=place.workbook_id,
        sheet_id=place.sheet_id,
        file_id=named.pop("file_id", place.id if place.kind == "fl" else None),
        started_at=uow.now if status is Status.EXECUTING else None,
        deadline_at=uow.now + PATIENCE if status in {Status.READY, Status.EXECUTING} else None,
        **named,
    )
    await _add(uow, actor, job)
    if draft.trigger == "immediate" and status is not Status.EXECUTING:
        job = await make_ready(uow, actor, job, Action.EXECUTE)
    serve = find_server(job.name)
    if serve is None or draft.trigger != "immediate" or job.status not in {Status.READY, Status.EXECUTING}:
        return job
    return await move(uow, actor, job, Action.COMPLETE, outcome=await serve(uow, actor, job))


async def _add(uow: UnitOfWork, actor: Actor, job: Job) -> None:
    await store.insert_job(uow, job)
    await places.add_place(uow, place_of(job))
    await tell(uow, actor, job, "job:created")


def _refuse_bad_draft(draft: JobDraft) -> None:
    if draft.status is not None and draft.status not in INITIAL:
        allowed = ", ".join(INITIAL)
        raise Invalid(f"status: a job cannot be created {draft.status.value}; it begins as one of {allowed}.", "status")
    if not draft.operation.strip():
        raise Invalid("operation: name what is to be done, such as 'submitAction'.", "operation")
    refuse_bad_progress(draft.progress)


def refuse_bad_progress(progress: int | None) -> None:
    """Raise Invalid unless it is absent or a percentage."""
    if progress is not None and not 0 <= progress <= 100:
        raise Invalid("progress must be a whole number from 0 to 100.", "progress")


async def _place_of_source(uow: UnitOfWork, actor: Actor, draft: JobDraft) -> Place:
    place = await places.find_place(uow, actor, draft.source)
    if place is None and draft.type in _PLACELESS:
        environment_id = draft.environment_id or actor.environment_id
        if environment_id is None:
            raise Invalid("environmentId: say which environment the job is in.", "environmentId")
        return await places.get_place(uow, actor, environment_id, "env")
    if place is None:
        raise NotFound(f"source: there is nothing {draft.source[:60]!r} that this token can reach.", "source")
    if draft.environment_id not in {None, place.environment_id}:
        raise Invalid("environmentId is not the environment of the source; leave it out.", "environmentId")
    return place


async def _clear_parts(uow: UnitOfWork, actor: Actor, job: Job) -> None:
    """Make way for new parts: those of a former run go, those of this run must have ended."""
    former = await store.list_parts(uow, job)
    if any(part.status not in FINAL for part in former):
        raise Invalid("This job is split already and has unfinished parts.", "parts")
    for part in former:
        await remove(uow, actor, part)


def _part_of(uow: UnitOfWork, actor: Actor, job: Job, number: int, data: dict[str, Any] | None) -> Job:
    return Job(
        id=new_id("jb", job.environment_id),
        parent_id=job.id,
        part=number,
        part_data=data,
        status=Status.CREATED,
        created_by=actor.id,
        created_at=uow.now,
        updated_at=uow.now,
        **{name: getattr(job, name) for name in _INHERITED},
    )


#: What a part has from the job it is a part of.
_INHERITED = (
    *("environment_id", "account_id", "space_id", "workbook_id", "sheet_id", "file_id"),
    *("type", "operation", "source", "destination", "trigger", "mode", "managed"),
    *("config", "input", "subject", "metadata"),
)
