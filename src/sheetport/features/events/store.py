"""SQL of events."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, insert, select

from sheetport.features.events.model import Event
from sheetport.kernel.json import dumps
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import places
from sheetport.storage.tables.events import event_heads
from sheetport.storage.unit_of_work import UnitOfWork

_NAMESPACE = statement(
    select(places.c.namespace).where(
        places.c.environment_id == bindparam("environment"), places.c.id == bindparam("id")
    )
)
_INSERT_HEAD = statement(insert(event_heads).values(environment_id=bindparam("environment"), position=0))


async def insert_head(uow: UnitOfWork, environment_id: str) -> None:
    """Begin an environment's log."""
    await uow.execute(_INSERT_HEAD, {"environment": environment_id})


async def find_namespace(uow: UnitOfWork, environment_id: str, place_id: str) -> str | None:
    row = await uow.fetch_one(_NAMESPACE, {"environment": environment_id, "id": place_id})
    return None if row is None else row["namespace"]


async def insert_event(uow: UnitOfWork, event: Event) -> None:
    await uow.add_events([_row(event)])


def _json(value: Any) -> str | None:
    return None if value is None else dumps(value)


def _row(event: Event) -> dict[str, Any]:
    return {
        "environment_id": event.environment_id,
        "id": event.id,
        "account_id": event.account_id,
        "space_id": event.space_id,
        "topic": event.topic,
        "domain": event.domain,
        "target": event.target,
        "context": dumps(event.context),
        "payload": dumps(event.payload),
        "namespaces": dumps(event.namespaces),
        "origin": _json(event.origin),
        "attributes": _json(event.attributes),
        "data_url": event.data_url,
        "callback_url": event.callback_url,
        "created_at": event.created_at,
        "acknowledged_at": event.acknowledged_at,
        "acknowledged_by": event.acknowledged_by,
        "deleted_at": None,
    }
