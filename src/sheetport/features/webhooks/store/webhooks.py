"""SQL of webhooks and of their keys."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, insert, or_, select, update

from sheetport.features.webhooks.model import LEASE, State, Webhook, WebhookKey, Work
from sheetport.kernel.actor import Actor
from sheetport.kernel.crypto import Sealed
from sheetport.kernel.json import dumps, loads
from sheetport.kernel.paging import Page
from sheetport.storage.reach import reached
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import environments, places
from sheetport.storage.tables.events import event_heads
from sheetport.storage.tables.webhooks import webhook_deliveries, webhook_keys, webhooks
from sheetport.storage.unit_of_work import Row, UnitOfWork

_c, _k, _d = webhooks.c, webhook_keys.c, webhook_deliveries.c
_FIELDS = tuple(Webhook.__dataclass_fields__)
_COLUMNS = [_c[name] for name in _FIELDS]
_THIS = and_(_c.environment_id == bindparam("environment"), _c.id == bindparam("webhook"))
_INSERT = statement(insert(webhooks).values({name: bindparam(name) for name in _FIELDS}))
_BY_ID = statement(select(*_COLUMNS).where(_THIS))
_CHANGED = ("url", "description", "topics", "namespaces", "state", "reason", "position", "failing_since", "held_until")
_UPDATE = statement(
    update(webhooks)
    .where(_THIS)
    .values({name: bindparam(f"new_{name}") for name in _CHANGED} | {"updated_at": bindparam("at")})
)
_DELETE = statement(delete(webhooks).where(_THIS))
_COUNT = statement(
    select(func.count().label("count"))
    .select_from(webhooks)
    .join(places, and_(places.c.environment_id == _c.environment_id, places.c.id == _c.id))
    .where(_c.environment_id == bindparam("environment"), places.c.deleted_at.is_(None))
)
_HOLD = statement(
    update(webhooks)
    .where(_THIS, or_(_c.lease.is_(None), _c.lease == bindparam("holder"), _c.lease_until < bindparam("at")))
    .values(lease=bindparam("holder"), lease_until=bindparam("until"))
    .returning(*_COLUMNS)
)
_ADVANCE = statement(
    update(webhooks).where(_THIS, _c.position < bindparam("reached")).values(position=bindparam("reached"))
)
_HEALTH = statement(
    update(webhooks).where(_THIS).values(failing_since=bindparam("since"), held_until=bindparam("hold"))
)
_RELEASE = statement(update(webhooks).where(_c.lease == bindparam("holder")).values(lease=None, lease_until=None))
_RELEASE_ALL = statement(update(webhooks).where(_c.lease.is_not(None)).values(lease=None, lease_until=None))
_NEXT = (
    select(func.min(_d.next_attempt_at))
    .where(_d.environment_id == _c.environment_id, _d.webhook_id == _c.id, _d.state == "pending")
    .scalar_subquery()
)
#: Enabled webhooks that nothing above has ended, with how far the log goes and when an attempt is due.
_WORK = statement(
    select(*_COLUMNS, event_heads.c.position.label("head"), _NEXT.label("due"))
    .join(event_heads, event_heads.c.environment_id == _c.environment_id)
    .join(places, and_(places.c.environment_id == _c.environment_id, places.c.id == _c.id))
    .join(environments, environments.c.id == _c.environment_id)
    .where(_c.state == State.ENABLED.value, places.c.deleted_at.is_(None), environments.c.deleted_at.is_(None))
    .order_by(_c.environment_id, _c.id)
)
_OF_WEBHOOK = and_(_k.environment_id == bindparam("environment"), _k.webhook_id == bindparam("webhook"))
_KEY_COLUMNS = tuple(column.name for column in webhook_keys.columns)
_INSERT_KEY = statement(insert(webhook_keys).values({name: bindparam(name) for name in _KEY_COLUMNS}))
_LIVE_KEYS = statement(
    select(webhook_keys)
    .where(_OF_WEBHOOK, or_(_k.ends_at.is_(None), _k.ends_at > bindparam("at")))
    .order_by(_k.ends_at.is_not(None), _k.created_at.desc(), _k.id)
)
_DELETE_OLD_KEYS = statement(delete(webhook_keys).where(_OF_WEBHOOK, _k.ends_at.is_not(None)))
_END_KEY = statement(update(webhook_keys).where(_OF_WEBHOOK, _k.ends_at.is_(None)).values(ends_at=bindparam("until")))
_DELETE_KEYS = statement(delete(webhook_keys).where(_OF_WEBHOOK))
_DELETE_ENDED = statement(delete(webhook_keys).where(_k.ends_at <= bindparam("at")))
_UNDER_OLD = statement(select(webhook_keys).where(_k.kek_id != bindparam("kek")).limit(bindparam("most")))
_RESEAL = statement(
    update(webhook_keys)
    .where(_OF_WEBHOOK, _k.id == bindparam("key"), _k.ciphertext == bindparam("old_ciphertext"))
    .values(kek_id=bindparam("new_kek"), nonce=bindparam("new_nonce"), ciphertext=bindparam("new_ciphertext"))
)


async def insert_webhook(uow: UnitOfWork, webhook: Webhook) -> None:
    await uow.execute(_INSERT, _row(webhook))


async def update_webhook(uow: UnitOfWork, webhook: Webhook) -> None:
    row = _row(webhook)
    named = {f"new_{name}": row[name] for name in _CHANGED}
    await uow.execute(_UPDATE, _named(webhook) | named | {"at": webhook.updated_at})


async def delete_webhook(uow: UnitOfWork, webhook: Webhook) -> None:
    """Delete a webhook with its keys. Its deliveries are found by nobody any more, and swept by age."""
    await uow.execute(_DELETE_KEYS, _named(webhook))
    await uow.execute(_DELETE, _named(webhook))


async def find_webhook(uow: UnitOfWork, environment_id: str, webhook_id: str) -> Webhook | None:
    row = await uow.fetch_one(_BY_ID, {"environment": environment_id, "webhook": webhook_id})
    return None if row is None else _webhook(row)


async def count_webhooks(uow: UnitOfWork, environment_id: str) -> int:
    """How many an environment has."""
    row = await uow.fetch_one(_COUNT, {"environment": environment_id})
    return 0 if row is None else int(row["count"])


async def list_webhooks(
    uow: UnitOfWork, actor: Actor, environment_id: str, space_id: str | None, page: Page
) -> tuple[list[Webhook], int]:
    """One page of the webhooks that the caller reaches, oldest first, and how many there are."""
    found = (
        select(*_COLUMNS)
        .join(places, and_(places.c.environment_id == _c.environment_id, places.c.id == _c.id))
        .where(_c.environment_id == environment_id, places.c.deleted_at.is_(None))
        .where(reached(actor, _c.environment_id, _c.space_id))
    )
    if space_id is not None:
        found = found.where(_c.space_id == space_id)
    total = await uow.fetch_one(select(func.count().label("count")).select_from(found.subquery()))
    rows = await uow.fetch_all(found.order_by(_c.created_at, _c.id).limit(page.size).offset(page.offset))
    return [_webhook(row) for row in rows], 0 if total is None else int(total["count"])


async def list_work(uow: UnitOfWork) -> list[Work]:
    """Every enabled webhook, with what there is to do."""
    rows = await uow.fetch_all(_WORK)
    return [Work(_webhook(row), int(row["head"]), row["due"]) for row in rows]


async def hold_webhook(uow: UnitOfWork, environment_id: str, webhook_id: str, holder: str) -> Webhook | None:
    """The webhook, if ``holder`` delivers for it now and for a while; None when another does, or it is gone."""
    named = {"environment": environment_id, "webhook": webhook_id, "holder": holder}
    row = await uow.fetch_one(_HOLD, named | {"at": uow.now, "until": uow.now + LEASE})
    return None if row is None else _webhook(row)


async def release_webhooks(uow: UnitOfWork, holder: str | None) -> None:
    """Have others deliver what this holder did; None is whoever did."""
    await (uow.execute(_RELEASE_ALL) if holder is None else uow.execute(_RELEASE, {"holder": holder}))


async def advance_webhook(uow: UnitOfWork, webhook: Webhook, position: int) -> None:
    await uow.execute(_ADVANCE, _named(webhook) | {"reached": position})


async def set_health(uow: UnitOfWork, webhook: Webhook, failing_since: int | None, held_until: int | None) -> None:
    await uow.execute(_HEALTH, _named(webhook) | {"since": failing_since, "hold": held_until})


async def insert_key(uow: UnitOfWork, key: WebhookKey) -> None:
    row = {name: value for name, value in asdict(key).items() if name != "sealed"}
    sealed = {"kek_id": key.sealed.key_id, "nonce": key.sealed.nonce, "ciphertext": key.sealed.ciphertext}
    await uow.execute(_INSERT_KEY, row | sealed)


async def end_key(uow: UnitOfWork, webhook: Webhook, until: int) -> None:
    """Have the current key sign until then, and the one before it no more."""
    await uow.execute(_DELETE_OLD_KEYS, _named(webhook))
    if until > uow.now:
        await uow.execute(_END_KEY, _named(webhook) | {"until": until})
    else:
        await uow.execute(_DELETE_KEYS, _named(webhook))


async def list_live_keys(uow: UnitOfWork, webhook: Webhook) -> list[WebhookKey]:
    """The keys that sign now, the current one first."""
    return [_key(row) for row in await uow.fetch_all(_LIVE_KEYS, _named(webhook) | {"at": uow.now})]


async def delete_ended_keys(uow: UnitOfWork) -> int:
    return await uow.execute(_DELETE_ENDED, {"at": uow.now})


async def list_sealed_otherwise(uow: UnitOfWork, kek_id: str, most: int) -> list[WebhookKey]:
    """Keys that are sealed under another key-encryption key."""
    return [_key(row) for row in await uow.fetch_all(_UNDER_OLD, {"kek": kek_id, "most": most})]


async def reseal(uow: UnitOfWork, key: WebhookKey, sealed: Sealed) -> None:
    named = {"environment": key.environment_id, "webhook": key.webhook_id, "key": key.id}
    named |= {"new_kek": sealed.key_id}
    values: dict[str, Any] = {"new_nonce": sealed.nonce, "new_ciphertext": sealed.ciphertext}
    await uow.execute(_RESEAL, named | values | {"old_ciphertext": key.sealed.ciphertext})


def _named(webhook: Webhook) -> dict[str, Any]:
    return {"environment": webhook.environment_id, "webhook": webhook.id}


def _webhook(row: Row) -> Webhook:
    values = {name: row[name] for name in _FIELDS}
    filters = {name: tuple(loads(row[name])) for name in ("topics", "namespaces")}
    return Webhook(**values | filters | {"state": State(row["state"])})


def _row(webhook: Webhook) -> dict[str, Any]:
    row = {name: getattr(webhook, name) for name in _FIELDS}
    filters = {name: dumps(list(row[name])) for name in ("topics", "namespaces")}
    return row | filters | {"state": webhook.state.value}


def _key(row: Row) -> WebhookKey:
    sealed = Sealed(row["kek_id"], bytes(row["nonce"]), bytes(row["ciphertext"]))
    names = ("environment_id", "webhook_id", "id", "public_key", "created_at", "ends_at")
    return WebhookKey(sealed=sealed, **{name: row[name] for name in names})
