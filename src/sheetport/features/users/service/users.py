"""Users of an account: found, listed, renamed, shut out and let in, deleted."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sheetport.features.accounts import service as accounts
from sheetport.features.audit import service as audit
from sheetport.features.links import service as links
from sheetport.features.roles import service as roles
from sheetport.features.roles.model import Holder
from sheetport.features.users import store
from sheetport.features.users.model import User, UserFilter
from sheetport.kernel.actor import Actor, ActorKind, system_actor
from sheetport.kernel.clock import MINUTE
from sheetport.kernel.errors import Conflict, Invalid, NotFound
from sheetport.kernel.ids import new_id
from sheetport.kernel.paging import Page, Paged
from sheetport.kernel.permissions import BuiltInRole, Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

MAX_EMAIL = 254
MAX_DASHBOARD = 2**31 - 1
#: Mail servers have the last word on addresses; this finds what is no address at all.
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")


async def create_user(
    uow: UnitOfWork,
    account_id: str,
    email: str,
    name: str,
    password_hash: str | None = None,
    role: BuiltInRole = BuiltInRole.ADMINISTRATOR,
) -> User:
    """A new user with a role on the account; without a hash, one who cannot sign in until a set-up link is used.

    Called by set-up only, which checks who may. Raises Invalid, and Conflict when the address is taken on
    this server.
    """
    address = await free_address(uow, email, None)
    user = User(new_id("usr", account_id), account_id, address, checked_name(name), uow.now, uow.now, password_hash)
    await store.insert_user(uow, user)
    personal = {"user.email_addr": user.email, "user.name": user.name}
    await audit.record_person(uow, system_actor(account_id), "user:create", user.id, personal)
    await roles.give_built_in(uow, system_actor(account_id), holder_of(user), role)
    return user


def holder_of(user: User) -> Holder:
    """The user as one who may be given roles."""
    return Holder(ActorKind.USER, user.id, user.account_id)


async def find_user(uow: UnitOfWork, user_id: str) -> User | None:
    """A user by id, for the slices above, which check who may ask."""
    return await store.find_user(uow, user_id)


async def find_user_by_email(uow: UnitOfWork, email: str) -> User | None:
    """A user of the whole server by address, for sign-in; None for what cannot be an address."""
    if "\0" in email or len(email) > MAX_EMAIL:
        return None
    return await store.find_user_by_email(uow, email)


async def get_first_user(uow: UnitOfWork, account_id: str) -> User:
    """The account's oldest Administrator who may sign in, for commands on the server's machine. Raises NotFound."""
    administrators = await roles.list_administrators(uow, account_id)
    user = await store.find_user(uow, administrators[0]) if administrators else None
    if user is None:
        raise NotFound("This account has no Administrator who may sign in.", "userId")
    return user


async def get_user(uow: UnitOfWork, actor: Actor, user_id: str) -> User:
    """A user of the caller's account; everybody finds themselves. Raises NotFound."""
    if not _is_self(actor, user_id):
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
    """Change a user's name or dashboard, which everybody may of themselves; what is None stays."""
    if not _is_self(actor, user_id):
        actor = require(actor, Permission.USER_WRITE)
    before = await get_user(uow, actor, user_id)
    if dashboard is not None and not 0 <= dashboard <= MAX_DASHBOARD:
        raise Invalid(f"dashboard must be from 0 to {MAX_DASHBOARD}.", "dashboard")
    changes: dict[str, Any] = {"updated_at": uow.now}
    if name is not None:
        changes["name"] = checked_name(name)
    if dashboard is not None:
        changes["dashboard"] = dashboard
    await store.update_user(uow, user_id, **changes)
    await audit.record(uow, actor, "user:update", user_id)
    return replace(before, **changes)


async def disable_user(uow: UnitOfWork, actor: Actor, user_id: str) -> User:
    """Shut a user out: sign-in and every token of theirs are refused as soon as this is answered.

    Raises NotFound, Forbidden for one who may do more than the caller, and Conflict for the last Administrator.
    """
    actor = require(actor, Permission.USER_WRITE)
    user = await get_user(uow, actor, user_id)
    await _require_dispensable(uow, actor, user)
    await store.update_user(uow, user_id, disabled_at=uow.now, updated_at=uow.now)
    await audit.record(uow, actor, "user:disable", user_id)
    return replace(user, disabled_at=uow.now, updated_at=uow.now)


async def enable_user(uow: UnitOfWork, actor: Actor, user_id: str) -> User:
    """Let a disabled user in again, with the tokens they had. Raises NotFound, Forbidden."""
    actor = require(actor, Permission.USER_WRITE)
    user = await get_user(uow, actor, user_id)
    await roles.require_no_more(uow, actor, holder_of(user))
    await store.update_user(uow, user_id, disabled_at=None, updated_at=uow.now)
    await accounts.bump_generation(uow, user.account_id)
    await audit.record(uow, actor, "user:enable", user_id)
    return replace(user, disabled_at=None, updated_at=uow.now)


async def delete_user(uow: UnitOfWork, actor: Actor, user_id: str) -> None:
    """Delete a user: tokens, invitation and roles end at once, and what tells who it was is wiped.

    Raises NotFound, Forbidden for one who may do more than the caller, and Conflict for the last Administrator.
    """
    actor = require(actor, Permission.USER_WRITE)
    user = await get_user(uow, actor, user_id)
    await _require_dispensable(uow, actor, user)
    await roles.remove_all_roles(uow, holder_of(user))
    await store.forget_user(uow, user_id)
    await audit.record(uow, actor, "user:delete", user_id)


async def _require_dispensable(uow: UnitOfWork, actor: Actor, user: User) -> None:
    """Raise unless the caller may end this user; the user's links end, and callers are looked up anew."""
    await roles.require_no_more(uow, actor, holder_of(user))
    await accounts.bump_generation(uow, user.account_id)
    await roles.require_other_administrator(uow, holder_of(user))
    await links.end_links(uow, user.id)


async def set_password(uow: UnitOfWork, user_id: str, password_hash: str, email: str | None = None) -> User:
    """Give a user a password, and another address if ``email`` says so; an invitation is accepted by that.

    Called by set-up only, which checks who may. Raises NotFound, Invalid and Conflict (the address is taken).
    """
    before = await store.find_user(uow, user_id)
    if before is None:
        raise NotFound("This user does not exist any more.", "userId")
    invited = before.invited_at is not None
    address = before.email if email is None else await free_address(uow, email, user_id)
    if invited and await store.find_user_by_email(uow, address) is not None:
        raise Conflict("This address signs in to another account on this server: be invited by another one.", "email")
    changes: dict[str, Any] = {"password_hash": password_hash, "email": address, "updated_at": uow.now}
    if invited:
        changes["invited_at"] = None
    await store.update_user(uow, user_id, **changes)
    await accounts.bump_generation(uow, before.account_id)
    await audit.record(uow, system_actor(before.account_id), "user:set-password", user_id)
    return replace(before, **changes)


async def is_invited_elsewhere(uow: UnitOfWork, account_id: str, email: str) -> bool:
    """Whether another account waits for who has this address, for slices above."""
    return await store.is_invited_elsewhere(uow, account_id, email)


async def accept_invitation_of(uow: UnitOfWork, account_id: str, email: str) -> User | None:
    """The user of the account who is invited by this address, once the address is theirs; None without one.

    Called by sign-ins of which the caller has checked that the address is the person's.
    """
    before = await store.find_invited(uow, account_id, email)
    if before is None or before.disabled_at is not None:
        return None
    changes: dict[str, Any] = {"email": before.email, "invited_at": None, "updated_at": uow.now}
    await store.update_user(uow, before.id, **changes)
    await links.end_links(uow, before.id)
    await accounts.bump_generation(uow, account_id)
    await audit.record(uow, system_actor(account_id), "user:accept-invitation", before.id)
    return replace(before, **changes)


def _is_self(actor: Actor, user_id: str) -> bool:
    return actor.kind is ActorKind.USER and actor.id == user_id


async def note_seen(uow: UnitOfWork, user: User) -> None:
    """Remember that a user has signed in now, to the minute."""
    if user.last_seen_at is not None and uow.now - user.last_seen_at < MINUTE:
        return
    await store.note_seen(uow, user.id)


async def free_address(uow: UnitOfWork, email: str, user_id: str | None) -> str:
    """The address, trimmed, once it is one and no other user on this server has it. Raises Invalid, Conflict."""
    email = checked_email(email)
    taken = await store.find_user_by_email(uow, email)
    if taken is not None and taken.id != user_id:
        raise Conflict("There is already a user with this email on this server; choose another address.", "email")
    return email


def checked_email(email: str) -> str:
    """The address, trimmed. Raises Invalid for what is none."""
    email = email.strip()
    if len(email) > MAX_EMAIL or not _EMAIL.fullmatch(email):
        raise Invalid("email must be an address such as ada@example.com.", "email")
    return email


def checked_name(name: str) -> str:
    """The name, trimmed. Raises Invalid for one of no characters or too many."""
    name = name.strip()
    if not 1 <= len(name) <= 255:
        raise Invalid("name must have 1 to 255 characters.", "name")
    return name
