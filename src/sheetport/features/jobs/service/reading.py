"""Finding jobs the caller may know of."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

from sheetport.features.jobs import store
from sheetport.features.jobs.model import Job, JobFilter
from sheetport.features.places import service as places
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import NotFound
from sheetport.kernel.paging import Page, Paged
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def get_job(uow: UnitOfWork, actor: Actor, job_id: str) -> Job:
    """One job. Raises NotFound."""
    actor = require(actor, Permission.JOB_READ)
    place = await places.get_place(uow, actor, job_id, "jb")
    job = await store.find_job(uow, place.environment_id, job_id)
    if job is None:
        raise places.not_found(job_id, "jb")
    return job


async def list_jobs(uow: UnitOfWork, actor: Actor, wanted: JobFilter, page: Page) -> Paged[Job]:
    """The jobs the caller reaches, newest first: a user's account's, a key's environment's, a space's own."""
    actor = require(actor, Permission.JOB_READ)
    environment_id = actor.environment_id or wanted.environment_id
    space_id = actor.space_id or wanted.space_id
    if wanted.environment_id not in {None, environment_id} or wanted.space_id not in {None, space_id}:
        return Paged([], page, 0)
    wanted = replace(wanted, environment_id=environment_id, space_id=space_id)
    items = await store.list_jobs(uow, actor, wanted, page)
    return Paged(items, page, await store.count_jobs(uow, actor, wanted))


async def count_by_status(uow: UnitOfWork) -> dict[str, int]:
    """How many jobs of the whole server are in each status; looks at all of them."""
    return await store.count_by_status(uow)


async def was_submitted(uow: UnitOfWork, environment_id: str, space_id: str) -> bool:
    """Whether any job of a space ever completed, but for one that configured it; for the server itself."""
    return await store.was_submitted(uow, environment_id, space_id)


async def get_plan(uow: UnitOfWork, actor: Actor, job_id: str) -> NoReturn:
    """A job's mapping plan. Raises NotFound: no job of these has one."""
    job = await get_job(uow, actor, job_id)
    raise NotFound(f"The job {job.name} has no plan: only mapping jobs have one.", "plan")


async def lock_own(uow: UnitOfWork, actor: Actor, job_id: str) -> Job:
    """A job the caller reaches, about to change. Raises NotFound."""
    place = await places.get_place(uow, actor, job_id, "jb")
    job = await store.lock_job(uow, place.environment_id, job_id)
    if job is None:
        raise places.not_found(job_id, "jb")
    return job
