"""SQL of jobs. What is about to change is read with its row locked; SQLite, with its one writer, needs no lock."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, insert, not_, select, update

from sheetport.features.jobs.model import FINAL, Job, JobFilter, Status
from sheetport.kernel.actor import Actor
from sheetport.kernel.json import dumps, loads
from sheetport.kernel.paging import Page
from sheetport.storage.reach import reached
from sheetport.storage.statements import statement
from sheetport.storage.tables.agents import agents
from sheetport.storage.tables.core import places
from sheetport.storage.tables.events import listeners
from sheetport.storage.tables.jobs import jobs
from sheetport.storage.unit_of_work import Row, UnitOfWork

_FIELDS = tuple(Job.__dataclass_fields__)
_JSON = frozenset({"part_data", "predecessor_ids", "config", "input", "subject", "outcome", "result", "metadata"})
_FIXED = frozenset({"id", "environment_id", "account_id", "created_at", "created_by", "source", "type", "operation"})
_CHANGED = tuple(name for name in _FIELDS if name not in _FIXED)
_COLUMNS = [jobs.c[name] for name in _FIELDS]
_ENDED = tuple(sorted(FINAL))
#: A job goes with what it lies in: its place says so.
_LIVE = and_(jobs.c.environment_id == places.c.environment_id, jobs.c.id == places.c.id, places.c.deleted_at.is_(None))
_HERE = jobs.c.environment_id == bindparam("environment")

_INSERT = statement(insert(jobs).values({name: bindparam(name) for name in _FIELDS}))
_UPDATE = statement(
    update(jobs)
    .where(_HERE, jobs.c.id == bindparam("job"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGED})
)
_DELETE = statement(
    update(jobs).where(_HERE, jobs.c.id == bindparam("job")).values(deleted_at=bindparam("at"), deadline_at=None)
)
_BY_ID = select(*_COLUMNS).where(_LIVE, _HERE, jobs.c.id == bindparam("id"))
_FIND = statement(_BY_ID)
_LOCK = statement(_BY_ID.with_for_update(of=jobs))
_LOCK_WAITING_ON = statement(
    select(*_COLUMNS)
    .where(_LIVE, _HERE, jobs.c.status == Status.WAITING.value)
    .where(jobs.c.predecessor_ids.contains(bindparam("quoted_id"), autoescape=False))
    .order_by(jobs.c.id)
    .with_for_update(of=jobs)
)
_PARTS = select(*_COLUMNS).where(_LIVE, _HERE, jobs.c.parent_id == bindparam("parent")).order_by(jobs.c.part, jobs.c.id)
_FIND_PARTS = statement(_PARTS)
_COUNT_PARTS = statement(
    select(jobs.c.status, func.count().label("total"))
    .where(_LIVE, _HERE, jobs.c.parent_id == bindparam("parent"))
    .group_by(jobs.c.status)
)
_COUNT_BY_STATUS = statement(select(jobs.c.status, func.count().label("total")).where(_LIVE).group_by(jobs.c.status))
_LOCK_NEXT_PART = statement(
    _PARTS.where(jobs.c.status == Status.WAITING.value, jobs.c.predecessor_ids.is_(None))
    .limit(1)
    .with_for_update(of=jobs)
)
#: Several processes look for overdue jobs at once: each takes what no other holds.
_LOCK_OVERDUE = statement(
    select(*_COLUMNS)
    .where(_LIVE, jobs.c.deadline_at <= bindparam("now"))
    .order_by(jobs.c.deadline_at, jobs.c.id)
    .limit(bindparam("most"))
    .with_for_update(of=jobs, skip_locked=True)
)
#: Whatever completed in a space, but for its configuration.
_SUBMITTED = statement(
    select(jobs.c.id)
    .where(_HERE, jobs.c.space_id == bindparam("space"), jobs.c.status == Status.COMPLETE.value)
    .where(not_(and_(jobs.c.type == "space", jobs.c.operation == "configure")))
    .limit(1)
)
_LISTENERS = statement(
    select(listeners.c.name)
    .where(listeners.c.environment_id == bindparam("environment"))
    .where(listeners.c.scope.in_([bindparam("environment_scope"), bindparam("space_scope")]))
    .order_by(listeners.c.connected_at, listeners.c.id)
    .limit(20)
)
_AGENTS = statement(
    select(agents.c.slug, agents.c.topics)
    .where(agents.c.environment_id == bindparam("environment"))
    .where(agents.c.deleted_at.is_(None), agents.c.paused_at.is_(None))
    .order_by(agents.c.created_at, agents.c.id)
    .limit(20)
)


def _job(row: Row) -> Job:
    values = {name: row[name] for name in _FIELDS}
    for name in _JSON:
        values[name] = None if values[name] is None else loads(values[name])
    return Job(**values | {"status": Status(row["status"]), "managed": bool(row["managed"])})


def _values(job: Job, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(job, name) for name in names}
    for name in _JSON & values.keys():
        values[name] = None if values[name] is None else dumps(values[name])
    return values | {"status": job.status.value}


async def insert_job(uow: UnitOfWork, job: Job) -> None:
    await uow.execute(_INSERT, _values(job, _FIELDS))


async def insert_jobs(uow: UnitOfWork, made: list[Job]) -> None:
    await uow.execute_many(_INSERT, [_values(job, _FIELDS) for job in made])


async def update_job(uow: UnitOfWork, job: Job) -> None:
    named = {f"new_{name}": value for name, value in _values(job, _CHANGED).items()}
    await uow.execute(_UPDATE, {"environment": job.environment_id, "job": job.id, **named})


async def delete_job(uow: UnitOfWork, job: Job) -> None:
    await uow.execute(_DELETE, {"environment": job.environment_id, "job": job.id, "at": uow.now})


async def find_job(uow: UnitOfWork, environment_id: str, job_id: str) -> Job | None:
    row = await uow.fetch_one(_FIND, {"environment": environment_id, "id": job_id})
    return None if row is None else _job(row)


async def lock_job(uow: UnitOfWork, environment_id: str, job_id: str) -> Job | None:
    """The job as it is now and stays until this unit of work ends."""
    row = await uow.fetch_one(_LOCK, {"environment": environment_id, "id": job_id})
    return None if row is None else _job(row)


async def lock_waiting_on(uow: UnitOfWork, environment_id: str, job_id: str) -> list[Job]:
    """The jobs that wait for ``job_id`` (among others)."""
    rows = await uow.fetch_all(_LOCK_WAITING_ON, {"environment": environment_id, "quoted_id": f'"{job_id}"'})
    return [_job(row) for row in rows]


async def list_parts(uow: UnitOfWork, job: Job) -> list[Job]:
    rows = await uow.fetch_all(_FIND_PARTS, {"environment": job.environment_id, "parent": job.id})
    return [_job(row) for row in rows]


async def count_parts(uow: UnitOfWork, job: Job) -> dict[Status, int]:
    """How many parts of ``job`` are in each status."""
    rows = await uow.fetch_all(_COUNT_PARTS, {"environment": job.environment_id, "parent": job.id})
    return {Status(row["status"]): int(row["total"]) for row in rows}


async def count_by_status(uow: UnitOfWork) -> dict[str, int]:
    """How many jobs are in each status, of every environment."""
    counted = {row["status"]: int(row["total"]) for row in await uow.fetch_all(_COUNT_BY_STATUS)}
    return {status.value: counted.get(status.value, 0) for status in Status}


async def lock_next_part(uow: UnitOfWork, job: Job) -> Job | None:
    """The first part of ``job`` whose turn has not come yet."""
    row = await uow.fetch_one(_LOCK_NEXT_PART, {"environment": job.environment_id, "parent": job.id})
    return None if row is None else _job(row)


async def lock_overdue(uow: UnitOfWork, most: int) -> list[Job]:
    """Jobs past their deadline, of every environment, that no other process is about to fail."""
    return [_job(row) for row in await uow.fetch_all(_LOCK_OVERDUE, {"now": uow.now, "most": most})]


async def was_submitted(uow: UnitOfWork, environment_id: str, space_id: str) -> bool:
    """Whether a job of the space ever completed, but for one that configured it."""
    return await uow.fetch_one(_SUBMITTED, {"environment": environment_id, "space": space_id}) is not None


async def list_listeners(uow: UnitOfWork, job: Job) -> list[str]:
    """The names of those connected who could have handled ``job``."""
    scopes = {"environment_scope": job.environment_id, "space_scope": job.space_id or job.environment_id}
    rows = await uow.fetch_all(_LISTENERS, {"environment": job.environment_id, **scopes})
    return [row["name"] for row in rows]


async def list_agents(uow: UnitOfWork, job: Job) -> list[tuple[str, list[str] | None]]:
    """(slug, topics) of the agents that run for the environment of ``job``; None is every topic."""
    rows = await uow.fetch_all(_AGENTS, {"environment": job.environment_id})
    return [(row["slug"], loads(row["topics"] or "null")) for row in rows]


async def list_jobs(uow: UnitOfWork, actor: Actor, wanted: JobFilter, page: Page) -> list[Job]:
    order = jobs.c.created_at.asc() if wanted.oldest_first else jobs.c.created_at.desc()
    tie = jobs.c.id.asc() if wanted.oldest_first else jobs.c.id.desc()
    query = select(*_COLUMNS).where(*_matching(actor, wanted)).order_by(order, tie)
    return [_job(row) for row in await uow.fetch_all(query.limit(page.size).offset(page.offset))]


async def count_jobs(uow: UnitOfWork, actor: Actor, wanted: JobFilter) -> int:
    row = await uow.fetch_one(select(func.count().label("total")).where(*_matching(actor, wanted)))
    return int(row["total"]) if row else 0


def _matching(actor: Actor, wanted: JobFilter) -> list[ColumnElement[bool]]:
    where = (jobs.c.environment_id, jobs.c.space_id, jobs.c.workbook_id, jobs.c.sheet_id)
    found: list[ColumnElement[bool]] = [_LIVE, jobs.c.account_id == actor.account_id, reached(actor, *where)]
    for name in ("environment_id", "space_id", "workbook_id", "file_id", "parent_id", "source"):
        value = getattr(wanted, name)
        if value is not None:
            found.append(jobs.c[name] == value)
    if wanted.exclude_child_jobs:
        found.append(jobs.c.parent_id.is_(None))
    return found
