"""SQL of when secrets are to be rotated."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, or_, select, update

from sheetport.features.secrets.model import Schedule
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import places
from sheetport.storage.tables.secrets import secrets
from sheetport.storage.unit_of_work import Row, UnitOfWork

_ONE = (secrets.c.environment_id == bindparam("environment"), secrets.c.id == bindparam("secret"))
_FIND = statement(select(secrets).where(*_ONE))
_SET = statement(
    update(secrets)
    .where(*_ONE)
    .values(rotate_days=bindparam("days"), rotate_at=bindparam("due"), reminded_at=bindparam("reminded"))
)
#: One reminder comes ahead of the day, one on it.
_UNREMINDED = or_(
    secrets.c.reminded_at.is_(None),
    and_(secrets.c.reminded_at < secrets.c.rotate_at, secrets.c.rotate_at <= bindparam("now")),
)
_DUE = statement(
    select(secrets)
    .join(places, and_(places.c.environment_id == secrets.c.environment_id, places.c.id == secrets.c.id))
    .where(places.c.deleted_at.is_(None), secrets.c.rotate_at <= bindparam("at"), _UNREMINDED)
    .order_by(secrets.c.rotate_at)
    .limit(bindparam("count"))
)
_REMIND = statement(update(secrets).where(*_ONE, _UNREMINDED).values(reminded_at=bindparam("reminded")))


async def find_schedule(uow: UnitOfWork, environment_id: str, secret_id: str) -> Schedule:
    row = await uow.fetch_one(_FIND, {"environment": environment_id, "secret": secret_id})
    return Schedule(secret_id, "", None, None) if row is None else _schedule(row)


async def set_schedule(uow: UnitOfWork, environment_id: str, secret_id: str, days: int | None, due: int | None) -> None:
    """Say when a secret is due next; a reminder of before counts no more."""
    named = {"environment": environment_id, "secret": secret_id}
    await uow.execute(_SET, {**named, "days": days, "due": due, "reminded": None})


async def list_due(uow: UnitOfWork, at: int, count: int) -> list[tuple[str, Schedule]]:
    """(environment, schedule) of some that are due by a time and that nobody was reminded of."""
    return [
        (row["environment_id"], _schedule(row))
        for row in await uow.fetch_all(_DUE, {"at": at, "now": uow.now, "count": count})
    ]


async def mark_reminded(uow: UnitOfWork, environment_id: str, secret_id: str) -> bool:
    """Whether the reminder is this unit of work's to send."""
    named = {"environment": environment_id, "secret": secret_id}
    return await uow.execute(_REMIND, {**named, "reminded": uow.now, "now": uow.now}) == 1


def _schedule(row: Row) -> Schedule:
    return Schedule(row["id"], row["name"], row["rotate_days"], row["rotate_at"])
