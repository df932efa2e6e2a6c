"""Signing in: a password, then a code, a passkey or the first factor of one's own; or a passkey alone."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from typing import Any, TypeVar

from sheetport.features.attempts import service as attempts
from sheetport.features.auth import service as auth
from sheetport.features.factors import service as factors
from sheetport.features.factors.model import Enrolment, Site
from sheetport.features.logins.model import (
    CHALLENGE_LIFETIME,
    DEVICE_LIFETIME,
    STEP_LIFETIME,
    Login,
    Needed,
    Pending,
)
from sheetport.features.logins.service.tickets import Purpose, Ticket, make_ticket, read_ticket, spend_ticket
from sheetport.features.sso import service as sso
from sheetport.features.users import service as users
from sheetport.features.users.model import User
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.errors import Forbidden, Invalid, SheetportError, Unauthenticated
from sheetport.kernel.visitor import Visitor
from sheetport.storage.unit_of_work import Database, UnitOfWork

T = TypeVar("T")
#: What a sign-in by the page is listed as, and how it is told from others.
ORIGIN = "page"
_PURPOSES = {Needed.CODE: Purpose.SECOND_STEP, Needed.ENROLMENT: Purpose.ENROLMENT}
#: The first steps of a sign-in, by which it is listed.
PASSWORD, SSO = "password", "sso"
_AGAIN = "This sign-in took too long or was ended; begin again."
_WRONG_CODE = "This code is not right or was used before; send the newest one, or a recovery code."


async def sign_in(db: Database, email: str, password: str, visitor: Visitor) -> Login | Pending:
    """The first step. Raises Unauthenticated, alike for all that is wrong, TooMany, and Forbidden, once the password
    was right, where users sign in by single sign-on only."""

    async def admit_user(uow: UnitOfWork, user: User) -> Login | Pending | SheetportError:
        barred = await _barred(uow, user)
        return barred if barred is not None else await admit(uow, user, visitor, PASSWORD)

    done: Login | Pending | SheetportError = await auth.with_password(db, email, password, ORIGIN, visitor, admit_user)
    if isinstance(done, SheetportError):
        raise done
    return done


async def admit(
    uow: UnitOfWork, user: User, visitor: Visitor, first: str, *, is_enough: bool = False
) -> Login | Pending:
    """What the first step gives: a session, or what is still missing. ``is_enough``: nothing is."""
    if not is_enough and (await factors.find_factors(uow, user.id)).any:
        return _pending(uow, user, Needed.CODE, first)
    if not is_enough and (await factors.find_policy(uow, user.account_id)).mfa_required:
        return _pending(uow, user, Needed.ENROLMENT, first)
    return await _finish(uow, user, visitor, first)


async def sign_in_by_code(db: Database, ticket: str, code: str, visitor: Visitor) -> Login:
    """The second step. Raises Unauthenticated for a wrong code, TooMany, and Invalid when the first is too long ago."""

    async def check(uow: UnitOfWork) -> Login | SheetportError:
        user, read = await _user_of(uow, Needed.CODE, ticket)
        way = await _use_code(uow, user, code, visitor)
        if way is None:
            await auth.refuse_sign_in(uow, user.account_id, ORIGIN, f"user:{user.id}")
            return Unauthenticated(_WRONG_CODE, "code")
        if not await spend_ticket(uow, read):
            return Invalid(_AGAIN, "ticket")
        return await _finish(uow, user, visitor, f"{_first(read)}+{way}")

    return raised(await db.write(check))


async def begin_enrolment(uow: UnitOfWork, ticket: str) -> Enrolment:
    """What the app is told of a user whose account asks for a second factor. Raises Invalid."""
    user, _ = await _user_of(uow, Needed.ENROLMENT, ticket)
    pending = await factors.pending_enrolment(uow, user.id, user.email)
    return pending or await factors.begin_totp(uow, actor_of(user), user.email)


async def finish_enrolment(db: Database, ticket: str, code: str, visitor: Visitor) -> tuple[Login, list[str]]:
    """The sign-in and the recovery codes, once the app has given a right code. Raises Invalid and TooMany."""

    async def check(uow: UnitOfWork) -> tuple[Login, list[str]] | SheetportError:
        user, read = await _user_of(uow, Needed.ENROLMENT, ticket)
        actor, counted = actor_of(user), attempts.of_code(uow, user.id, visitor.device_for(user.id))
        if visitor.limited:
            await attempts.require_bearable(uow, counted)
        try:
            await factors.confirm_totp(uow, actor, code)
        except Invalid as refused:
            await attempts.count(uow, counted)
            return refused
        if not await spend_ticket(uow, read):
            return Invalid(_AGAIN, "ticket")
        codes = await factors.make_recovery_codes(uow, actor)
        return await _finish(uow, user, visitor, f"{_first(read)}+totp"), codes

    return raised(await db.write(check))


def make_challenge(keys: KeyRing, now: int, what_for: str) -> tuple[bytes, str]:
    """A challenge for a passkey, and the ticket that comes back with the answer."""
    challenge = secrets.token_bytes(32)
    text = urlsafe_b64encode(challenge).decode()
    return challenge, make_ticket(keys, Purpose.CHALLENGE, now + CHALLENGE_LIFETIME, what_for, text)


async def take_challenge(uow: UnitOfWork, ticket: str, what_for: str) -> bytes:
    """The challenge of a ticket, which is used up. Raises Invalid."""
    read = read_ticket(uow.keys, Purpose.CHALLENGE, ticket, uow.now)
    if read is None or read.parts[0] != what_for or not await spend_ticket(uow, read):
        raise Invalid("This took too long; try again.", "passkey")
    return urlsafe_b64decode(read.parts[1])


async def sign_in_by_passkey(db: Database, ticket: str, answer: Any, site: Site, visitor: Visitor) -> Login:
    """A sign-in by a passkey alone: it is something one has, unlocked by what one knows or is. Raises Unauthenticated.

    It needs no password before it, so nobody can lock it.
    """

    async def check(uow: UnitOfWork) -> Login | SheetportError:
        challenge = await take_challenge(uow, ticket, "sign-in")
        try:
            passkey = await factors.use_passkey(uow, site, challenge, answer)
        except Invalid as refused:
            await auth.refuse_sign_in(uow, "", ORIGIN, "passkey")
            return Unauthenticated(refused.message, refused.key)
        user = await users.find_user(uow, passkey.user_id)
        if user is None or user.disabled_at is not None:
            return Unauthenticated("This passkey was not accepted; try again, or sign in another way.", "passkey")
        barred = await _barred(uow, user)
        return barred if barred is not None else await _finish(uow, user, visitor, "passkey")

    return raised(await db.write(check))


def known_device(keys: KeyRing, now: int, visitor: Visitor, cookie: str) -> Visitor:
    """The visitor with what a device's cookie says of it."""
    read = read_ticket(keys, Purpose.DEVICE, cookie, now)
    return visitor if read is None else replace(visitor, device=read.nonce, device_of=read.parts[0])


def actor_of(user: User) -> Actor:
    """A user who has no session yet."""
    return Actor(ActorKind.USER, user.id, user.account_id, "")


def raised(outcome: T | SheetportError) -> T:
    """Raise a refusal behind the unit of work, whose records of it have to last; else what came out."""
    if isinstance(outcome, SheetportError):
        raise outcome
    return outcome


async def _finish(uow: UnitOfWork, user: User, visitor: Visitor, way: str) -> Login:
    signed_in = await auth.grant_session(uow, user, ORIGIN, visitor, way)
    device = make_ticket(uow.keys, Purpose.DEVICE, uow.now + DEVICE_LIFETIME, user.id)
    return Login(signed_in, device)


async def _use_code(uow: UnitOfWork, user: User, code: str, visitor: Visitor) -> str | None:
    """By what the code is right. A recovery code is too long to be guessed: its wrong ones count for nothing."""
    if factors.is_recovery_code(code):
        return "recovery" if await factors.use_recovery_code(uow, user.id, code) else None
    counted = attempts.of_code(uow, user.id, visitor.device_for(user.id))
    if visitor.limited:
        await attempts.require_bearable(uow, counted)
    if await factors.use_totp(uow, user.id, code):
        await attempts.forget(uow, counted)
        return "totp"
    await attempts.count(uow, counted)
    return None


async def _barred(uow: UnitOfWork, user: User) -> Forbidden | None:
    """Why a user does not get in without single sign-on, with a record of it."""
    connection = await sso.find_connection(uow, user.account_id)
    if connection is None or not connection.only_sso:
        return None
    await auth.refuse_sign_in(uow, user.account_id, ORIGIN, f"user:{user.id}")
    return Forbidden(f"Your account signs in by {connection.name} only: continue with it below.", "sso")


def _pending(uow: UnitOfWork, user: User, needed: Needed, first: str) -> Pending:
    parts = user.id, proof_of(uow, user), first
    return Pending(needed, make_ticket(uow.keys, _PURPOSES[needed], uow.now + STEP_LIFETIME, *parts))


def _first(ticket: Ticket) -> str:
    """The first step of a ticket for the second; one that an older version made knows passwords only."""
    return ticket.parts[2] if len(ticket.parts) > 2 else PASSWORD


async def _user_of(uow: UnitOfWork, needed: Needed, text: str) -> tuple[User, Ticket]:
    """The user whose first step was right. Raises Invalid when that is too long ago, or would not be right by now."""
    read = read_ticket(uow.keys, _PURPOSES[needed], text, uow.now)
    user = await users.find_user(uow, read.parts[0] if read else "")
    if read is None or user is None or user.disabled_at is not None or read.parts[1] != proof_of(uow, user):
        raise Invalid(_AGAIN, "ticket")
    connection = await sso.find_connection(uow, user.account_id)
    is_gone = connection is None if _first(read) == SSO else connection is not None and connection.only_sso
    if is_gone:
        raise Invalid(_AGAIN, "ticket")
    return user, read


def proof_of(uow: UnitOfWork, user: User) -> str:
    """What changes with the user's password and address."""
    return uow.keys.sign("password", user.id, user.email, user.password_hash or "")
