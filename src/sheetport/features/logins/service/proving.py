"""Proving oneself again before what proves one is changed: with everything that a sign-in takes."""

from __future__ import annotations

from typing import Any

from sheetport.features.attempts import service as attempts
from sheetport.features.auth import service as auth
from sheetport.features.factors import service as factors
from sheetport.features.factors.model import Enrolment, Factors, Passkey, Site
from sheetport.features.logins.service.steps import ORIGIN, raised, take_challenge
from sheetport.features.sessions import service as sessions
from sheetport.features.users import service as users
from sheetport.features.users.model import User
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Forbidden, Invalid, SheetportError
from sheetport.kernel.permissions import Permission, require
from sheetport.kernel.visitor import Visitor
from sheetport.storage.unit_of_work import Database, UnitOfWork


async def prove_again(db: Database, actor: Actor, password: str, code: str, visitor: Visitor) -> None:
    """Note that the caller has just given password and, with a second factor, a code. Raises Invalid and TooMany."""

    async def find(uow: UnitOfWork) -> User:
        if visitor.limited:
            await attempts.require_bearable(uow, attempts.of_code(uow, actor.id, "again"))
        return await own_user(uow, actor)

    user = await db.read(find)
    right = await auth.verify_password(user.password_hash, password)

    async def check(uow: UnitOfWork) -> SheetportError | None:
        present = await own_user(uow, actor)
        has_app = (await factors.find_factors(uow, actor.id)).any
        proved = right and present.password_hash == user.password_hash
        if proved and has_app:
            proved = await _code_is_right(uow, actor, code)
        if not proved:
            await attempts.count(uow, attempts.of_code(uow, actor.id, "again"))
            await auth.refuse_sign_in(uow, actor.account_id, ORIGIN, f"user:{actor.id}")
            return Invalid("Password or code is not right; a code works once, so wait for the next one.", "password")
        await sessions.confirm_session(uow, actor.token_id, "password+totp" if has_app else "password")
        return None

    raised(await db.write(check))


async def prove_again_by_passkey(db: Database, actor: Actor, ticket: str, answer: Any, site: Site) -> None:
    """Note that the caller has just used a passkey of theirs. Raises Invalid."""

    async def check(uow: UnitOfWork) -> None:
        passkey = await factors.use_passkey(uow, site, await take_challenge(uow, ticket, "again"), answer)
        if passkey.user_id != actor.id:
            raise Invalid("This passkey was not accepted; try again, or prove yourself another way.", "passkey")
        await sessions.confirm_session(uow, actor.token_id, "passkey")

    await db.write(check)


async def find_factors(uow: UnitOfWork, actor: Actor) -> Factors:
    """What the caller has beside a password."""
    actor = require(actor, Permission.TOKEN_READ)
    return await factors.find_factors(uow, actor.id)


async def begin_totp(uow: UnitOfWork, actor: Actor) -> Enrolment:
    """What the caller's authenticator app is told. Raises Forbidden without a recent proof, and Invalid."""
    actor = await _proved(uow, actor)
    user = await own_user(uow, actor)
    return await factors.begin_totp(uow, actor, user.email)


async def pending_totp(uow: UnitOfWork, actor: Actor) -> Enrolment | None:
    """What the caller's app was told, while it is not confirmed; None without one or without a recent proof."""
    if not await sessions.is_recent(uow, actor.token_id):
        return None
    user = await own_user(uow, actor)
    return await factors.pending_enrolment(uow, user.id, user.email)


async def confirm_totp(uow: UnitOfWork, actor: Actor, code: str) -> list[str]:
    """Make the app a factor; the caller's recovery codes, none when there were some. Raises Forbidden and Invalid."""
    actor = await _proved(uow, actor)
    await factors.confirm_totp(uow, actor, code)
    return await first_codes(uow, actor)


async def delete_totp(uow: UnitOfWork, actor: Actor) -> None:
    """Raises Forbidden, NotFound, and Invalid for the last factor where the account asks for one."""
    actor = await _proved(uow, actor)
    await factors.delete_totp(uow, actor)
    await _require_left(uow, actor)


async def add_passkey(
    uow: UnitOfWork, actor: Actor, ticket: str, answer: Any, site: Site, name: str
) -> tuple[Passkey, list[str]]:
    """The caller's new passkey, and their recovery codes if these are the first. Raises Forbidden and Invalid."""
    actor = await _proved(uow, actor)
    challenge = await take_challenge(uow, ticket, actor.id)
    passkey = await factors.register_passkey(uow, actor, site, challenge, answer, name)
    return passkey, await first_codes(uow, actor)


async def passkey_options(uow: UnitOfWork, actor: Actor, site: Site, challenge: bytes) -> Any:
    """What the caller's browser needs to make a passkey. Raises Forbidden without a recent proof."""
    actor = await _proved(uow, actor)
    user = await own_user(uow, actor)
    return await factors.registration_options(uow, actor, user.email, site, challenge)


async def rename_passkey(uow: UnitOfWork, actor: Actor, passkey_id: str, name: str) -> None:
    """Raises Forbidden, NotFound and Invalid."""
    await factors.rename_passkey(uow, await _proved(uow, actor), passkey_id, name)


async def delete_passkey(uow: UnitOfWork, actor: Actor, passkey_id: str) -> None:
    """Raises Forbidden, NotFound, and Invalid for the last factor where the account asks for one."""
    actor = await _proved(uow, actor)
    await factors.delete_passkey(uow, actor, passkey_id)
    await _require_left(uow, actor)


async def new_recovery_codes(uow: UnitOfWork, actor: Actor) -> list[str]:
    """Fresh codes, which end those before. Raises Forbidden, and Invalid without a factor that they stand in for."""
    actor = await _proved(uow, actor)
    if not (await factors.find_factors(uow, actor.id)).any:
        raise Invalid("Set up an authenticator app or a passkey first; recovery codes stand in for it.", "factor")
    return await factors.make_recovery_codes(uow, actor)


async def first_codes(uow: UnitOfWork, actor: Actor) -> list[str]:
    """Recovery codes for who has none yet."""
    if (await factors.find_factors(uow, actor.id)).recovery_codes:
        return []
    return await factors.make_recovery_codes(uow, actor)


async def own_user(uow: UnitOfWork, actor: Actor) -> User:
    """The user that the caller is. Raises Forbidden."""
    user = await users.find_user(uow, actor.id)
    if user is None or user.account_id != actor.account_id:
        raise Forbidden("Only a user has a password and factors.", "permission")
    return user


async def _proved(uow: UnitOfWork, actor: Actor) -> Actor:
    actor = require(actor, Permission.TOKEN_WRITE)
    await sessions.require_recent(uow, actor.token_id)
    return actor


async def _code_is_right(uow: UnitOfWork, actor: Actor, code: str) -> bool:
    if factors.is_recovery_code(code):
        return await factors.use_recovery_code(uow, actor.id, code)
    return await factors.use_totp(uow, actor.id, code)


async def _require_left(uow: UnitOfWork, actor: Actor) -> None:
    policy = await factors.find_policy(uow, actor.account_id)
    if policy.mfa_required and not (await factors.find_factors(uow, actor.id)).any:
        raise Invalid("Your account asks for a second factor; set up another before you remove this one.", "factor")
