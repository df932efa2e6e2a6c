"""SQL of users."""

from __future__ import annotations

import unicodedata
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, insert, literal, or_, select, update

from sheetport.features.users.model import User, UserFilter
from sheetport.kernel.json import dumps, loads
from sheetport.kernel.paging import Page
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import users
from sheetport.storage.unit_of_work import Row, UnitOfWork

_FIELDS = tuple(User.__dataclass_fields__)
_INSERT = statement(insert(users).values({name: bindparam(name) for name in (*_FIELDS, "email_key")}))
_LIVE = users.c.deleted_at.is_(None)
_BY_ID = statement(select(users).where(users.c.id == bindparam("id"), _LIVE))
_BY_EMAIL = statement(select(users).where(users.c.email_key == bindparam("key")))
#: Read once for a person whom single sign-on brings, so that it needs no index.
_INVITED_ELSEWHERE = statement(
    select(users.c.id)
    .where(users.c.invited_at.is_not(None), users.c.deleted_at.is_(None), users.c.account_id != bindparam("account"))
    .where(users.c.email_key == literal("invited ").concat(users.c.account_id).concat(bindparam("ending")))
    .limit(1)
)
#: Every user signs in here by password, so these two of the API's orders are one value for all.
_ORDERS: dict[str, ColumnElement[Any]] = {
    "idp": literal(0),
    "idp_ref": literal(0),
    "email": users.c.email_key,
    **{name: users.c[name] for name in ("name", "id", "created_at", "updated_at", "last_seen_at", "dashboard")},
}
SORT_FIELDS = ("email", "name", "id", "idp", "idp_ref", "created_at", "updated_at", "last_seen_at", "dashboard")


def email_key(email: str) -> str:
    """What an address is looked up by: its spellings in other cases are the same address."""
    return unicodedata.normalize("NFC", email.strip()).casefold()


def pending_key(account_id: str, email: str) -> str:
    """The same of one who is invited: the address is theirs on this server only once they have accepted."""
    return f"invited {account_id} {email_key(email)}"


_SEEN = statement(update(users).where(users.c.id == bindparam("user")).values(last_seen_at=bindparam("at")))


def _user(row: Row) -> User:
    return User(**{name: row[name] for name in _FIELDS} | {"metadata": loads(row["metadata"] or "null") or {}})


def _row(user: User) -> dict[str, Any]:
    key = email_key(user.email) if user.invited_at is None else pending_key(user.account_id, user.email)
    derived = {"metadata": dumps(user.metadata), "email_key": key}
    return {name: getattr(user, name) for name in _FIELDS} | derived


async def insert_user(uow: UnitOfWork, user: User) -> None:
    await uow.execute(_INSERT, _row(user))


async def update_user(uow: UnitOfWork, user_id: str, **changes: Any) -> None:
    """Write the named columns and no others, so that changes made beside each other all last."""
    if "email" in changes:
        changes["email_key"] = email_key(changes["email"])
    await uow.execute(update(users).where(users.c.id == user_id).values(changes))


async def note_seen(uow: UnitOfWork, user_id: str) -> None:
    await uow.execute(_SEEN, {"user": user_id, "at": uow.now})


async def find_user(uow: UnitOfWork, user_id: str) -> User | None:
    row = await uow.fetch_one(_BY_ID, {"id": user_id})
    return None if row is None else _user(row)


async def find_user_by_email(uow: UnitOfWork, email: str) -> User | None:
    row = await uow.fetch_one(_BY_EMAIL, {"key": email_key(email)})
    return None if row is None else _user(row)


async def is_invited_elsewhere(uow: UnitOfWork, account_id: str, email: str) -> bool:
    """Whether another account has invited who has this address."""
    named = {"account": account_id, "ending": f" {email_key(email)}"}
    return await uow.fetch_one(_INVITED_ELSEWHERE, named) is not None


async def find_invited(uow: UnitOfWork, account_id: str, email: str) -> User | None:
    """A user of the account who has not accepted yet."""
    row = await uow.fetch_one(_BY_EMAIL, {"key": pending_key(account_id, email)})
    return None if row is None else _user(row)


async def forget_user(uow: UnitOfWork, user_id: str) -> None:
    """Mark a user deleted and wipe what tells who it was; their address is free again."""
    wiped = {"email": "", "email_key": f"deleted {user_id}", "name": "Deleted user", "metadata": "{}"}
    ended = {"password_hash": None, "last_seen_at": None, "invited_at": None}
    dated = {"disabled_at": uow.now, "deleted_at": uow.now, "updated_at": uow.now}
    await uow.execute(update(users).where(users.c.id == user_id).values({**wiped, **ended, **dated}))


async def list_users(uow: UnitOfWork, account_id: str, wanted: UserFilter, page: Page) -> list[User]:
    order = _ORDERS[wanted.sort_field]
    ordered = order.desc().nulls_last() if wanted.sort_direction == "desc" else order.asc().nulls_first()
    query = select(users).where(_matching(account_id, wanted)).order_by(ordered, users.c.id)
    rows = await uow.fetch_all(query.limit(page.size).offset(page.offset))
    return [_user(row) for row in rows]


async def count_users(uow: UnitOfWork, account_id: str, wanted: UserFilter) -> int:
    query = select(func.count().label("total")).select_from(users).where(_matching(account_id, wanted))
    row = await uow.fetch_one(query)
    return int(row["total"]) if row else 0


def _matching(account_id: str, wanted: UserFilter) -> ColumnElement[bool]:
    conditions = [users.c.account_id == account_id, _LIVE]
    if wanted.email is not None:
        conditions.append(users.c.email_key.in_([email_key(wanted.email), pending_key(account_id, wanted.email)]))
    if wanted.search is not None:
        columns = (users.c.name, users.c.email)
        conditions.append(or_(*(column.icontains(wanted.search, autoescape=True) for column in columns)))
    return and_(*conditions)
