"""Users of an account."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sheetport.features.accounts import service as accounts
from sheetport.features.audit import service as audit
from sheetport.features.users import store
from sheetport.features.users.model import User, UserFilter
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.clock import MINUTE
from sheetport.kernel.errors import Conflict, Invalid, NotFound
from sheetport.kernel.ids import new_id
from sheetport.kernel.paging import Page, Paged
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

MAX_EMAIL = 254
MAX_DASHBOARD = 2**31 - 1
#: Mail servers have the last word on addresses; this finds what is no address at all.
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")


async def create_user(
    uow: UnitOfWork, account_id: str, email: str, name: str, password_hash: str | None = None
) -> User:
    """A new user; without a hash, one who cannot sign in until a set-up link is used.

    Called by set-up only, which checks who may. Raises Invalid, and Conflict when the address is taken on
    this server.
    """
    address = await _free_address(uow, email, None)
    user = User(new_id("usr", account_id), account_id, address, _name(name), uow.now, uow.now, password_hash)
    await store.insert_user(uow, user)
    personal = {"user.email_addr": user.email, "user.name": user.name}
    await audit.record_person(uow, system_actor(account_id), "user:create", user.id, personal)
    return user


async def find_user(uow: UnitOfWork, user_id: str) -> User | None:
    """A user by id, for the slices above, which check who may ask."""
    return await store.find_user(uow, user_id)


async def find_user_by_email(uow: UnitOfWork, email: str) -> User | None:
    """A user of the whole server by address, for sign-in; None for what cannot be an address."""
    if "\0" in email or len(email) > MAX_EMAIL:
        return None
    return await store.find_user_by_email(uow, email)


async def get_first_user(uow: UnitOfWork, account_id: str) -> User:
    """The account's oldest user who may sign in, for commands on the server's machine. Raises NotFound."""
    user = await store.find_first_user(uow, account_id)
    if user is None:
        raise NotFound("This account has no user who may sign in.", "userId")
    return user


async def get_user(uow: UnitOfWork, actor: Actor, user_id: str) -> User:
    """A user of the caller's account. Raises NotFound."""
    actor = require(actor, Permission.USER_READ)
    user = await store.find_user(uow, user_id)
    if user is None or user.account_id != actor.account_id:
        raise NotFound(f"There is no user {user_id[:60]!r} that this token can reach.", "userId")
    return user


async def list_users(uow: UnitOfWork, actor: Actor, wanted: UserFilter, page: Page) -> Paged[User]:
    """The users of the caller's account."""
    actor = require(actor, Permission.USER_READ)
    if wanted.sort_field not in store.SORT_FIELDS:
        raise Invalid(f"sortField must be one of {', '.join(store.SORT_FIELDS)}.", "sortField")
    if wanted.sort_direction not in {"asc", "desc"}:
        raise Invalid("sortDirection must be asc or desc.", "sortDirection")
    items = await store.list_users(uow, actor.account_id, wanted, page)
    return Paged(items, page, await store.count_users(uow, actor.account_id, wanted))


async def update_user(
    uow: UnitOfWork, actor: Actor, user_id: str, name: str | None = None, dashboard: int | None = None
) -> User:
    """Change a user's name or dashboard; what is None stays."""
    actor = require(actor, Permission.USER_WRITE)
    before = await get_user(uow, actor, user_id)
    if dashboard is not None and not 0 <= dashboard <= MAX_DASHBOARD:
        raise Invalid(f"dashboard must be from 0 to {MAX_DASHBOARD}.", "dashboard")
    changes: dict[str, Any] = {"updated_at": uow.now}
    if name is not None:
        changes["name"] = _name(name)
    if dashboard is not None:
        changes["dashboard"] = dashboard
    await store.update_user(uow, user_id, **changes)
    await audit.record(uow, actor, "user:update", user_id)
    return replace(before, **changes)


async def disable_user(uow: UnitOfWork, actor: Actor, user_id: str) -> User:
    """Shut a user out: sign-in and every token of theirs are refused as soon as this is answered."""
    actor = require(actor, Permission.USER_WRITE)
    user = await get_user(uow, actor, user_id)
    await store.update_user(uow, user_id, disabled_at=uow.now, updated_at=uow.now)
    await accounts.bump_generation(uow, user.account_id)
    await audit.record(uow, actor, "user:disable", user_id)
    return replace(user, disabled_at=uow.now, updated_at=uow.now)


async def set_password(uow: UnitOfWork, user_id: str, password_hash: str, email: str | None = None) -> User:
    """Give a user a password, and another address if ``email`` says so.

    Called by set-up only, which checks who may. Raises NotFound, Invalid and Conflict (the address is taken).
    """
    before = await store.find_user(uow, user_id)
    if before is None:
        raise NotFound("This user does not exist any more.", "userId")
    address = before.email if email is None else await _free_address(uow, email, user_id)
    changes: dict[str, Any] = {"password_hash": password_hash, "email": address, "updated_at": uow.now}
    await store.update_user(uow, user_id, **changes)
    await accounts.bump_generation(uow, before.account_id)
    await audit.record(uow, system_actor(before.account_id), "user:set-password", user_id)
    return replace(before, **changes)


async def note_seen(uow: UnitOfWork, user: User) -> None:
    """Remember that a user has signed in now, to the minute."""
    if user.last_seen_at is not None and uow.now - user.last_seen_at < MINUTE:
        return
    await store.note_seen(uow, user.id)


async def _free_address(uow: UnitOfWork, email: str, user_id: str | None) -> str:
    """The address, trimmed, once it is one and no other user on this server has it."""
    email = email.strip()
    if len(email) > MAX_EMAIL or not _EMAIL.fullmatch(email):
        raise Invalid("email must be an address such as ada@example.com.", "email")
    taken = await store.find_user_by_email(uow, email)
    if taken is not None and taken.id != user_id:
        raise Conflict("There is already a user with this email on this server; choose another address.", "email")
    return email


def _name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 255:
        raise Invalid("name must have 1 to 255 characters.", "name")
    return name
