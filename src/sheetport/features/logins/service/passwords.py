"""Changing a password, and choosing a new one by a link when it is forgotten."""

from __future__ import annotations

from sheetport.features.accounts import service as accounts
from sheetport.features.attempts import service as attempts
from sheetport.features.audit import service as audit
from sheetport.features.auth import service as auth
from sheetport.features.factors import service as factors
from sheetport.features.logins.model import RESET_LIFETIME
from sheetport.features.logins.service.sessions import end_all_sessions
from sheetport.features.logins.service.steps import ORIGIN, actor_of, proof_of, raised
from sheetport.features.logins.service.tickets import Purpose, Ticket, make_ticket, read_ticket, spend_ticket
from sheetport.features.sso import service as sso
from sheetport.features.users import service as users
from sheetport.features.users.model import User
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.errors import Forbidden, Invalid, NotFound, SheetportError, TooMany
from sheetport.kernel.permissions import Permission, require
from sheetport.kernel.visitor import Visitor
from sheetport.storage.unit_of_work import Database, UnitOfWork

_ENDED = "This link was used, is older than 30 minutes or was ended by a later change; ask for a new one."


async def change_password(db: Database, actor: Actor, current: str, new: str, visitor: Visitor) -> None:
    """Give the caller another password and end their other sessions. Raises Invalid and TooMany."""
    actor = require(actor, Permission.TOKEN_WRITE)

    async def find(uow: UnitOfWork) -> tuple[User, tuple[str, ...], bool]:
        user = await _own(uow, actor)
        if visitor.limited:
            await attempts.require_bearable(uow, attempts.of_code(uow, user.id, "password"))
        return user, await _context(uow, user), (await factors.find_factors(uow, user.id)).any

    user, context, has_factor = await db.read(find)
    right = await auth.verify_password(user.password_hash, current)
    made = await auth.hash_password(new, context, second_factor=has_factor) if right else ""

    async def change(uow: UnitOfWork) -> SheetportError | None:
        present = await _own(uow, actor)
        if not right or present.password_hash != user.password_hash:
            await attempts.count(uow, attempts.of_code(uow, user.id, "password"))
            await auth.refuse_sign_in(uow, user.account_id, ORIGIN, f"user:{user.id}")
            return Invalid("The current password is not right.", "currentPassword")
        await users.set_password(uow, user.id, made)
        await end_all_sessions(uow, actor, but=actor.token_id)
        await audit.record(uow, actor, "password:change", user.id)
        return None

    raised(await db.write(change))


async def make_reset_link(uow: UnitOfWork, user: User) -> str:
    """The ticket of a reset link: good for 30 minutes and until the password or address changes, by whatever way."""
    await audit.record(uow, system_actor(user.account_id), "password:reset-link", user.id)
    return make_ticket(uow.keys, Purpose.RESET, uow.now + RESET_LIFETIME, user.id, proof_of(uow, user))


async def ask_for_reset(uow: UnitOfWork, email: str, visitor: Visitor) -> tuple[User, str] | None:
    """The user to mail a reset link, with its ticket; None for who is unknown, disabled, signs in by single sign-on
    only, or asks too often.

    Whoever asked must not see which: answer before this is called.
    """
    counted = attempts.of_reset(uow, email.strip().casefold(), visitor.address)
    try:
        if visitor.limited:
            await attempts.require_bearable(uow, counted)
    except TooMany:
        return None
    await attempts.count(uow, counted)
    user = await users.find_user_by_email(uow, email)
    if user is None or user.disabled_at is not None or await _has_no_password(uow, user):
        return None
    return user, await make_reset_link(uow, user)


async def find_reset(uow: UnitOfWork, ticket: str) -> User:
    """Whose password the link is for. Raises NotFound, alike for used, old and wrong ones."""
    return (await _read(uow, ticket))[0]


async def use_reset(db: Database, ticket: str, new: str) -> User:
    """Give the link's user this password and end all their sessions. Raises NotFound and Invalid."""

    async def find(uow: UnitOfWork) -> tuple[tuple[str, ...], bool]:
        user, _ = await _read(uow, ticket)
        return await _context(uow, user), (await factors.find_factors(uow, user.id)).any

    context, has_factor = await db.read(find)
    made = await auth.hash_password(new, context, second_factor=has_factor)

    async def change(uow: UnitOfWork) -> User:
        user, read = await _read(uow, ticket)
        if not await spend_ticket(uow, read):
            raise NotFound(_ENDED, "token")
        actor = actor_of(user)
        await users.set_password(uow, user.id, made)
        await end_all_sessions(uow, actor)
        await attempts.forget(uow, attempts.of_sign_in(uow, user.email.casefold(), None, None))
        await audit.record(uow, actor, "password:reset", user.id)
        return user

    return await db.write(change)


async def _has_no_password(uow: UnitOfWork, user: User) -> bool:
    connection = await sso.find_connection(uow, user.account_id)
    return connection is not None and connection.only_sso


async def _read(uow: UnitOfWork, ticket: str) -> tuple[User, Ticket]:
    read = read_ticket(uow.keys, Purpose.RESET, ticket, uow.now)
    user = await users.find_user(uow, read.parts[0] if read else "")
    if read is None or user is None or user.disabled_at is not None or read.parts[1] != proof_of(uow, user):
        raise NotFound(_ENDED, "token")
    return user, read


async def _own(uow: UnitOfWork, actor: Actor) -> User:
    user = await users.find_user(uow, actor.id)
    if user is None or user.account_id != actor.account_id:
        raise Forbidden("Only a user has a password.", "password")
    return user


async def _context(uow: UnitOfWork, user: User) -> tuple[str, ...]:
    """What strangers know of the user."""
    account = await accounts.get_current_account(uow, system_actor(user.account_id))
    return user.email, user.name, account.name
