"""The events of jobs."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from sheetport.features.events import service as events
from sheetport.features.jobs.model import Job
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.kernel.actor import Actor, system_actor
from sheetport.storage.unit_of_work import UnitOfWork

#: Clients search filters anywhere in an event, so these are all the members a payload has.
_SHORT = frozenset({"job:outcome-acknowledged", "job:deleted"})


async def tell(uow: UnitOfWork, actor: Actor, job: Job, topic: str, **more: Any) -> None:
    """Tell ``topic`` of ``job``, in the context of its source; ``more`` goes into the payload."""
    payload = {
        "job": job.name,
        "domain": job.type,
        "operation": job.operation,
        "type": job.type,
        "status": job.status.value,
        "isPart": job.parent_id is not None,
        "info": job.info,
        "input": None if topic in _SHORT else job.input,
    }
    await events.emit(
        uow,
        actor,
        topic,
        await _place_of_source(uow, job),
        {key: value for key, value in payload.items() if value is not None} | more,
        data_url=data_url_of(job),
        context={"jobId": job.id},
    )


def place_of(job: Job) -> Place:
    """Where a job lies itself."""
    where = (job.space_id, job.workbook_id, job.sheet_id)
    return Place(job.environment_id, job.id, "jb", job.account_id, *where)


def data_url_of(job: Job) -> str | None:
    """Where a sheet's job reads the records it is about: those selected, or those of the filtered view.

    Clients decode values once and want a query without a leading slash; only what would break the query is encoded.
    """
    if job.sheet_id is None or not job.subject or job.subject.get("type") != "collection":
        return None
    query = job.subject.get("query")
    pairs = [
        f"{name}={quote(_text(item), safe=_PLAIN)}"
        for name, value in (query.items() if isinstance(query, dict) else ())
        for item in (value if isinstance(value, list) else [value])
        if item is not None
    ]
    return f"v1/sheets/{job.sheet_id}/records?{'&'.join(pairs) or 'filter=all'}"


_PLAIN = " !\"'()*,-./:;<>?@[]^_`{|}~=$"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


async def _place_of_source(uow: UnitOfWork, job: Job) -> Place:
    found = await places.find_place(uow, system_actor(job.account_id), job.source)
    return found if found is not None and found.environment_id == job.environment_id else place_of(job)
