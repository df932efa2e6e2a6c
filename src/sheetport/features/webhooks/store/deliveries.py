"""SQL of deliveries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Boolean, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from sheetport.features.webhooks.model import Delivery, DeliveryState, Webhook
from sheetport.kernel.paging import Page
from sheetport.storage.statements import statement
from sheetport.storage.tables.webhooks import webhook_deliveries
from sheetport.storage.unit_of_work import Row, UnitOfWork

_d = webhook_deliveries.c
_FIELDS = tuple(Delivery.__dataclass_fields__)
_PENDING, _DEAD = DeliveryState.PENDING.value, DeliveryState.DEAD.value
_OF_WEBHOOK = and_(_d.environment_id == bindparam("environment"), _d.webhook_id == bindparam("webhook"))
_THIS = and_(_OF_WEBHOOK, _d.event_id == bindparam("event"))
_INSERT = statement(
    insert(webhook_deliveries).values({name: bindparam(name) for name in _FIELDS}).on_conflict_do_nothing()
)
_RESULT = ("state", "attempts", "next_attempt_at", "status", "error", "response", "duration", "attempted_at")
_SETTLE = statement(
    update(webhook_deliveries)
    .where(_THIS, or_(_d.state == _PENDING, bindparam("is_delivered", type_=Boolean())))
    .values({name: bindparam(f"new_{name}") for name in _RESULT})
)
_DUE = statement(
    select(webhook_deliveries)
    .where(_OF_WEBHOOK, _d.state == _PENDING, _d.next_attempt_at <= bindparam("at"))
    .order_by(_d.next_attempt_at, _d.position)
    .limit(bindparam("most"))
)
_BY_ID = statement(select(webhook_deliveries).where(_THIS))
_GIVE_UP = statement(
    update(webhook_deliveries)
    .where(_OF_WEBHOOK, _d.state == _PENDING)
    .values(state=_DEAD, next_attempt_at=None, error=bindparam("said"))
)
_AGAIN = {"state": _PENDING, "attempts": 0, "next_attempt_at": bindparam("at")}
_REPLAY = statement(update(webhook_deliveries).where(_THIS).values(_AGAIN))
_REPLAY_DEAD = statement(
    update(webhook_deliveries).where(_OF_WEBHOOK, _d.state == _DEAD, _d.created_at >= bindparam("since")).values(_AGAIN)
)
_OLD = (
    select(_d.environment_id, _d.webhook_id, _d.event_id)
    .where(_d.created_at < bindparam("before"))
    .order_by(_d.created_at)
    .limit(bindparam("most"))
)
_LIST_OLD = statement(_OLD)
_DELETE = statement(delete(webhook_deliveries).where(_THIS))


async def insert_deliveries(uow: UnitOfWork, made: Iterable[Delivery]) -> None:
    """Those that are there already stay as they are."""
    await uow.execute_many(_INSERT, [asdict(each) | {"state": each.state.value} for each in made])


async def settle_deliveries(uow: UnitOfWork, settled: Iterable[Delivery]) -> None:
    """Write what became of pending deliveries; that one was taken is written whatever became of it meanwhile."""
    rows = []
    for each in settled:
        named: dict[str, Any] = {"environment": each.environment_id, "webhook": each.webhook_id}
        named |= {"event": each.event_id}
        named |= {f"new_{name}": getattr(each, name) for name in _RESULT} | {"new_state": each.state.value}
        rows.append(named | {"is_delivered": each.state is DeliveryState.DELIVERED})
    await uow.execute_many(_SETTLE, rows)


async def list_due(uow: UnitOfWork, webhook: Webhook, most: int) -> list[Delivery]:
    """Deliveries whose next attempt is due, the first due first."""
    rows = await uow.fetch_all(_DUE, _named(webhook) | {"at": uow.now, "most": most})
    return [_delivery(row) for row in rows]


async def find_delivery(uow: UnitOfWork, webhook: Webhook, event_id: str) -> Delivery | None:
    row = await uow.fetch_one(_BY_ID, _named(webhook) | {"event": event_id})
    return None if row is None else _delivery(row)


async def list_deliveries(
    uow: UnitOfWork, webhook: Webhook, state: DeliveryState | None, page: Page
) -> tuple[list[Delivery], int]:
    """One page, the newest event first, and how many there are."""
    found = select(webhook_deliveries).where(_d.environment_id == webhook.environment_id, _d.webhook_id == webhook.id)
    if state is not None:
        found = found.where(_d.state == state.value)
    total = await uow.fetch_one(select(func.count().label("count")).select_from(found.subquery()))
    rows = await uow.fetch_all(found.order_by(_d.position.desc()).limit(page.size).offset(page.offset))
    return [_delivery(row) for row in rows], 0 if total is None else int(total["count"])


async def give_up_pending(uow: UnitOfWork, webhook: Webhook, error: str) -> int:
    """Let all that is to be sent be dead; how many."""
    return await uow.execute(_GIVE_UP, _named(webhook) | {"said": error})


async def replay_delivery(uow: UnitOfWork, webhook: Webhook, event_id: str) -> None:
    await uow.execute(_REPLAY, _named(webhook) | {"event": event_id, "at": uow.now})


async def replay_dead(uow: UnitOfWork, webhook: Webhook, since: int) -> int:
    """Have the dead ones that were made since then sent again; how many."""
    return await uow.execute(_REPLAY_DEAD, _named(webhook) | {"since": since, "at": uow.now})


async def delete_before(uow: UnitOfWork, before: int, most: int) -> int:
    """Delete the oldest deliveries, if they were made before then; how many."""
    rows = await uow.fetch_all(_LIST_OLD, {"before": before, "most": most})
    named = [
        {"environment": row["environment_id"], "webhook": row["webhook_id"], "event": row["event_id"]} for row in rows
    ]
    await uow.execute_many(_DELETE, named)
    return len(named)


def _named(webhook: Webhook) -> dict[str, Any]:
    return {"environment": webhook.environment_id, "webhook": webhook.id}


def _delivery(row: Row) -> Delivery:
    values = {name: row[name] for name in _FIELDS}
    return Delivery(**values | {"state": DeliveryState(row["state"])})
