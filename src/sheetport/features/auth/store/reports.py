"""SQL of lists of credentials, of changing one, and of what the server watches them for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select, update

from sheetport.features.auth.model import LOCAL, Credential, CredentialFilter, CredentialKind
from sheetport.features.auth.store import credential_of, scope_text
from sheetport.kernel.clock import DAY
from sheetport.kernel.json import dumps
from sheetport.kernel.paging import Page
from sheetport.storage.statements import statement
from sheetport.storage.tables.auth import credentials
from sheetport.storage.unit_of_work import Row, UnitOfWork

_C = credentials.c
#: Access tokens and narrowed ones come and go with what they were exchanged for.
_LASTING = and_(_C.kind != CredentialKind.ACCESS.value, _C.kind != CredentialKind.NARROWED.value)
_USED = func.coalesce(_C.last_used_at, _C.created_at)


@dataclass(frozen=True, slots=True)
class Reached:
    """Whose credentials a caller may list; None for ``environments`` is each of the account's, as for ``users``."""

    account_id: str
    environments: tuple[str, ...] | None
    users: tuple[str, ...] | None


def _live(now: int) -> ColumnElement[bool]:
    return and_(_C.deleted_at.is_(None), or_(_C.expires_at.is_(None), _C.expires_at > now))


def _conditions(reached: Reached, wanted: CredentialFilter, now: int) -> list[ColumnElement[bool]]:
    keys, owned = _C.environment_id.is_not(None), _C.user_id.is_not(None)
    if reached.environments is not None:
        keys = _C.environment_id.in_(reached.environments)
    if reached.users is not None:
        owned = _C.user_id.in_(reached.users)
    live = _live(now)
    found = [_C.account_id == reached.account_id, _LASTING, or_(keys, owned)]
    found.append(or_(_C.origin.is_(None), _C.origin != LOCAL, live))
    if wanted.state != "all":
        found.append(live if wanted.state == "live" else ~live)
    for column, value in ((_C.kind, wanted.kind), (_C.environment_id, wanted.environment_id)):
        if value is not None:
            found.append(column == value)
    if wanted.idle_days is not None:
        found.append(now - wanted.idle_days * DAY > _USED)
    if wanted.expiring_days is not None:
        found += [_C.expires_at <= now + wanted.expiring_days * DAY, _C.replaced_by.is_(None)]
    if wanted.made_before is not None:
        overdue = and_(_C.rotate_by.is_not(None), _C.rotate_by <= now)
        found += [or_(_C.created_at < wanted.made_before, overdue), _C.replaced_by.is_(None)]
    return found


async def list_credentials(
    uow: UnitOfWork, reached: Reached, wanted: CredentialFilter, page: Page
) -> tuple[list[Credential], int]:
    """One page, oldest first, and how many there are."""
    conditions = _conditions(reached, wanted, uow.now)
    counted = await uow.fetch_one(select(func.count().label("total")).select_from(credentials).where(*conditions))
    listed = select(credentials).where(*conditions).order_by(_C.created_at, _C.id)
    rows = await uow.fetch_all(listed.limit(page.size).offset(page.offset))
    return [credential_of(row) for row in rows], int(counted["total"]) if counted else 0


_CHANGE = statement(
    update(credentials)
    .where(_C.id == bindparam("credential"))
    .values(
        name=bindparam("new_name"),
        expires_at=bindparam("new_expires_at"),
        scope=bindparam("new_scope"),
        operations=bindparam("new_operations"),
        updated_at=bindparam("at"),
        told_days=None,
    )
)


async def update_credential(uow: UnitOfWork, changed: Credential) -> None:
    """Write a credential's name, end, scope and operations."""
    named: dict[str, Any] = {
        "credential": changed.id,
        "new_name": changed.name,
        "new_expires_at": changed.expires_at,
        "new_scope": scope_text(changed.scope),
        "new_operations": dumps(changed.operations),
        "at": uow.now,
    }
    await uow.execute(_CHANGE, named)


_WATCHED = (
    _LASTING,
    _C.deleted_at.is_(None),
    _C.replaced_by.is_(None),
    or_(_C.origin.is_(None), _C.origin != LOCAL),
)
#: Days before the end at which it is told; 0 once it is over.
STAGES = (30, 7, 1, 0)
_ENDING = statement(
    select(credentials)
    .where(
        *_WATCHED,
        or_(
            *(
                and_(
                    _C.expires_at <= bindparam("now", type_=_C.expires_at.type) + days * DAY,
                    or_(_C.told_days.is_(None), _C.told_days > days),
                )
                for days in STAGES
            )
        ),
    )
    .order_by(_C.expires_at, _C.id)
    .limit(bindparam("count"))
)
_IDLE = statement(
    select(credentials)
    .where(
        *_WATCHED,
        or_(_C.expires_at.is_(None), _C.expires_at > bindparam("now")),
        bindparam("before") > _USED,
        or_(_C.told_idle_at.is_(None), _C.told_idle_at < _C.last_used_at),
    )
    .order_by(_C.created_at, _C.id)
    .limit(bindparam("count"))
)
_TOLD = statement(update(credentials).where(_C.id == bindparam("credential")).values(told_days=bindparam("days")))
_TOLD_IDLE = statement(update(credentials).where(_C.id == bindparam("credential")).values(told_idle_at=bindparam("at")))


async def list_ending(uow: UnitOfWork, count: int) -> list[Row]:
    """Credentials that end soon, or have ended, and of which that was not told yet."""
    return await uow.fetch_all(_ENDING, {"now": uow.now, "count": count})


async def list_idle(uow: UnitOfWork, before: int, count: int) -> list[Row]:
    """Credentials that were not used since ``before``, and of which that was not told yet."""
    return await uow.fetch_all(_IDLE, {"now": uow.now, "before": before, "count": count})


async def set_told(uow: UnitOfWork, credential_id: str, days: int) -> None:
    await uow.execute(_TOLD, {"credential": credential_id, "days": days})


async def set_told_idle(uow: UnitOfWork, credential_id: str) -> None:
    await uow.execute(_TOLD_IDLE, {"credential": credential_id, "at": uow.now})
