"""SQL of events."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, insert, or_, select, update

from sheetport.features.events.model import ALERT, Channel, Event, EventQuery, ListenerRow
from sheetport.kernel.actor import Actor
from sheetport.kernel.json import dumps, loads
from sheetport.kernel.paging import Page
from sheetport.storage.reach import reached
from sheetport.storage.statements import statement
from sheetport.storage.tables.agents import agent_queue
from sheetport.storage.tables.core import accounts, environments, places
from sheetport.storage.tables.events import event_heads, events, listeners
from sheetport.storage.tables.spaces import spaces
from sheetport.storage.unit_of_work import Row, UnitOfWork

_NAMESPACE = statement(
    select(places.c.namespace).where(
        places.c.environment_id == bindparam("environment"), places.c.id == bindparam("id")
    )
)
_INSERT_HEAD = statement(insert(event_heads).values(environment_id=bindparam("environment"), position=0))
_HEAD = statement(select(event_heads.c.position).where(event_heads.c.environment_id == bindparam("environment")))

_FIELDS = tuple(Event.__dataclass_fields__)
_JSON = ("context", "payload", "namespaces", "origin", "attributes")
_COLUMNS = [events.c[name] for name in _FIELDS]
#: An event that has no position yet is not in the log yet.
_NUMBERED = events.c.position.is_not(None)


def _of_account(account: Any) -> ColumnElement[bool]:
    """Events of an account's live environments."""
    live = select(environments.c.id).where(environments.c.account_id == account, environments.c.deleted_at.is_(None))
    return events.c.environment_id.in_(live)


_ONLY = bindparam("only", type_=environments.c.id.type)
_BY_ID = statement(
    select(*_COLUMNS).where(
        _of_account(bindparam("account")),
        or_(_ONLY.is_(None), events.c.environment_id == _ONLY),
        events.c.id == bindparam("id"),
        _NUMBERED,
    )
)
_ACKNOWLEDGE = statement(
    update(events)
    .where(events.c.environment_id == bindparam("environment"), events.c.id == bindparam("event"))
    .values(acknowledged_at=bindparam("at"), acknowledged_by=bindparam("by"))
)
_BEHIND = and_(events.c.environment_id == bindparam("environment"), events.c.position > bindparam("after"))
_OF_ENVIRONMENT = statement(select(*_COLUMNS).where(_BEHIND).order_by(events.c.position).limit(bindparam("count")))
_OF_SPACE = statement(
    select(*_COLUMNS)
    .where(_BEHIND, events.c.space_id == bindparam("space"))
    .order_by(events.c.position)
    .limit(bindparam("count"))
)
#: What is left of the log begins at the lowest position.
_OLDEST = statement(
    select(events.c.position)
    .where(events.c.environment_id == bindparam("environment"), _NUMBERED)
    .order_by(events.c.position)
    .limit(1)
)
_OUTDATED = exists().where(
    events.c.environment_id == event_heads.c.environment_id, events.c.created_at < bindparam("before"), _NUMBERED
)
_HEADS = statement(select(event_heads.c.environment_id).where(_OUTDATED).order_by(event_heads.c.environment_id))
_FIRST = statement(
    select(events.c.position, events.c.created_at)
    .where(events.c.environment_id == bindparam("environment"), _NUMBERED)
    .order_by(events.c.position)
    .limit(bindparam("count"))
)
_DELETE_UP_TO = statement(
    delete(events).where(events.c.environment_id == bindparam("environment"), events.c.position <= bindparam("last"))
)
_ENVIRONMENT_OPEN = statement(
    select(accounts.c.auth_generation)
    .join(environments, environments.c.account_id == accounts.c.id)
    .where(environments.c.id == bindparam("environment"), environments.c.deleted_at.is_(None))
)
_SPACE_OPEN = statement(
    select(accounts.c.auth_generation)
    .join(places, places.c.account_id == accounts.c.id)
    .outerjoin(spaces, and_(spaces.c.environment_id == places.c.environment_id, spaces.c.id == places.c.id))
    .where(
        places.c.environment_id == bindparam("environment"),
        places.c.id == bindparam("space"),
        places.c.deleted_at.is_(None),
        spaces.c.archived_at.is_(None),
    )
)
_OWN_LISTENER = and_(listeners.c.environment_id == bindparam("environment"), listeners.c.id == bindparam("listener"))
_DELETE_LISTENER = statement(delete(listeners).where(_OWN_LISTENER))
_DELETE_OWN_LISTENER = statement(delete(listeners).where(_OWN_LISTENER, listeners.c.process == bindparam("process")))
_INSERT_LISTENER = statement(
    insert(listeners).values({name: bindparam(name) for name in ListenerRow.__dataclass_fields__})
)
_HANDLED = statement(
    select(agent_queue.c.space_id, agent_queue.c.depth)
    .where(agent_queue.c.environment_id == bindparam("environment"), agent_queue.c.agent_id == bindparam("agent"))
    .order_by(agent_queue.c.position)
    .limit(500)
)
_PROCESSES = statement(select(listeners.c.process).distinct().order_by(listeners.c.process))
_DELETE_PROCESS = statement(delete(listeners).where(listeners.c.process == bindparam("process")))


async def insert_head(uow: UnitOfWork, environment_id: str) -> None:
    """Begin an environment's log."""
    await uow.execute(_INSERT_HEAD, {"environment": environment_id})


async def find_newest_position(uow: UnitOfWork, environment_id: str) -> int:
    row = await uow.fetch_one(_HEAD, {"environment": environment_id})
    return 0 if row is None else int(row["position"])


async def find_namespace(uow: UnitOfWork, environment_id: str, place_id: str) -> str | None:
    row = await uow.fetch_one(_NAMESPACE, {"environment": environment_id, "id": place_id})
    return None if row is None else row["namespace"]


async def find_handled_depth(uow: UnitOfWork, environment_id: str, agent_id: str, space_id: str | None) -> int:
    """The depth of the event that an agent handles now: of each space it handles the first that waits.

    When it acts in another space than it was told of, the event that has waited longest is taken for the cause.
    """
    rows = await uow.fetch_all(_HANDLED, {"environment": environment_id, "agent": agent_id})
    if not rows:
        return 0
    return int(next((row for row in rows if row["space_id"] == space_id), rows[0])["depth"])


async def insert_event(uow: UnitOfWork, event: Event) -> None:
    await uow.add_events([_row(event)])


async def find_event(uow: UnitOfWork, account_id: str, only: str | None, event_id: str) -> Event | None:
    row = await uow.fetch_one(_BY_ID, {"account": account_id, "only": only, "id": event_id})
    return None if row is None else _event(row)


async def acknowledge_event(uow: UnitOfWork, event: Event, by: str) -> None:
    await uow.execute(_ACKNOWLEDGE, {"environment": event.environment_id, "event": event.id, "at": uow.now, "by": by})


async def list_events(uow: UnitOfWork, actor: Actor, wanted: EventQuery, page: Page) -> list[Event]:
    where = reached(actor, events.c.environment_id, events.c.space_id, events.c.workbook_id, events.c.sheet_id)
    found = select(*_COLUMNS).where(_NUMBERED, where)
    if wanted.environment_id is None:
        found = found.where(_of_account(wanted.account_id))
        found = found.order_by(events.c.created_at, events.c.environment_id, events.c.position)
    else:
        found = found.where(events.c.environment_id == wanted.environment_id).order_by(events.c.position)
    for name in ("space_id", "domain", "topic"):
        value = getattr(wanted, name)
        if value is not None:
            found = found.where(events.c[name] == value)
    if wanted.domain is None and wanted.topic is None:
        found = found.where(events.c.domain != ALERT)
    if wanted.since is not None:
        found = found.where(events.c.created_at >= wanted.since)
    if wanted.after is not None:
        found = found.where(events.c.position > wanted.after)
    if not wanted.include_acknowledged:
        found = found.where(events.c.acknowledged_at.is_(None))
    return [_event(row) for row in await uow.fetch_all(found.limit(page.size).offset(page.offset))]


async def list_channel(uow: UnitOfWork, channel: Channel, after: int, limit: int) -> list[Event]:
    params = {"environment": channel.environment_id, "after": after, "count": limit}
    if channel.space_id is None:
        rows = await uow.fetch_all(_OF_ENVIRONMENT, params)
    else:
        rows = await uow.fetch_all(_OF_SPACE, {**params, "space": channel.space_id})
    return [_event(row) for row in rows]


async def list_by_ids(uow: UnitOfWork, environment_id: str, event_ids: list[str]) -> list[Event]:
    found = select(*_COLUMNS).where(events.c.environment_id == environment_id, events.c.id.in_(event_ids), _NUMBERED)
    return [_event(row) for row in await uow.fetch_all(found)]


async def find_oldest_position(uow: UnitOfWork, environment_id: str) -> int | None:
    row = await uow.fetch_one(_OLDEST, {"environment": environment_id})
    return None if row is None else int(row["position"])


async def find_generation(uow: UnitOfWork, channel: Channel) -> int | None:
    """The generation of rights of an open channel's account."""
    params = {"environment": channel.environment_id}
    if channel.space_id is None:
        row = await uow.fetch_one(_ENVIRONMENT_OPEN, params)
    else:
        row = await uow.fetch_one(_SPACE_OPEN, {**params, "space": channel.space_id})
    return None if row is None else int(row["auth_generation"])


async def list_environments_before(uow: UnitOfWork, moment: int) -> list[str]:
    """Environments whose log holds events made before a moment."""
    return [row["environment_id"] for row in await uow.fetch_all(_HEADS, {"before": moment})]


async def list_first(uow: UnitOfWork, environment_id: str, count: int) -> list[tuple[int, int]]:
    """Position and time of the first events of a log."""
    rows = await uow.fetch_all(_FIRST, {"environment": environment_id, "count": count})
    return [(row["position"], row["created_at"]) for row in rows]


async def delete_up_to(uow: UnitOfWork, environment_id: str, position: int) -> None:
    await uow.execute(_DELETE_UP_TO, {"environment": environment_id, "last": position})


async def replace_listener(uow: UnitOfWork, listener: ListenerRow) -> None:
    await uow.execute(_DELETE_LISTENER, {"environment": listener.environment_id, "listener": listener.id})
    await uow.execute(_INSERT_LISTENER, asdict(listener))


async def delete_listener(uow: UnitOfWork, environment_id: str, listener_id: str, process: str) -> None:
    await uow.execute(
        _DELETE_OWN_LISTENER, {"environment": environment_id, "listener": listener_id, "process": process}
    )


async def list_processes(uow: UnitOfWork) -> list[str]:
    return [row["process"] for row in await uow.fetch_all(_PROCESSES)]


async def delete_process(uow: UnitOfWork, process: str) -> None:
    await uow.execute(_DELETE_PROCESS, {"process": process})


def _event(row: Row) -> Event:
    values = {name: row[name] for name in _FIELDS}
    for name in _JSON:
        values[name] = loads(row[name]) if row[name] else None
    values["namespaces"] = values["namespaces"] or []
    return Event(**values)


def _json(value: Any) -> str | None:
    return None if value is None else dumps(value)


def _row(event: Event) -> dict[str, Any]:
    row = {name: getattr(event, name) for name in _FIELDS if name != "position"}
    return {**row, **{name: _json(row[name]) for name in _JSON}, "deleted_at": None}
