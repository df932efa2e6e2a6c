"""Exchanges a password, or a client's secret, or a running access token for an access token of 24 hours.

Whatever is wrong, the refusal is the same, and takes the same time whether the address exists or not.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sheetport.features.alerts import service as alerts
from sheetport.features.attempts import service as attempts
from sheetport.features.attempts.model import Subject
from sheetport.features.audit import service as audit
from sheetport.features.auth import store
from sheetport.features.auth.model import ACCESS_LIFETIME, Credential, CredentialKind, SignedIn
from sheetport.features.auth.service.mint import mint
from sheetport.features.auth.service.passwords import verify_password
from sheetport.features.auth.service.rotate import end_reused, is_live
from sheetport.features.factors import service as factors
from sheetport.features.sessions import service as sessions
from sheetport.features.sso import service as sso
from sheetport.features.users import service as users
from sheetport.features.users.model import User
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.errors import Forbidden, Invalid, Unauthenticated
from sheetport.kernel.permissions import Permission, require
from sheetport.kernel.visitor import Visitor
from sheetport.storage.unit_of_work import Database, UnitOfWork

T = TypeVar("T")
PASSWORD, CLIENT = "password sign-in", "client credentials"
UNKNOWN = Visitor()
#: Compared with when there is no such client, so that the comparison is made all the same.
_NO_FINGERPRINT = bytes(32)
_INSTEAD = (
    "sign in by 'sheetport login' (the device login, RFC 8628), or use a personal access token or client credentials,"
    " which are made once you have signed in by the first page"
)


async def sign_in_by_password(
    db: Database, email: str, password: str, origin: str = PASSWORD, visitor: Visitor = UNKNOWN
) -> SignedIn:
    """A token for a password. Raises Unauthenticated, alike for a wrong address, a wrong password and a disabled user.

    Raises Forbidden, once the password was right, for a user with a second factor and where the account gives no
    tokens for passwords; TooMany after many failures. ``origin`` is what the sign-in is listed as.
    """

    async def admit(uow: UnitOfWork, user: User) -> SignedIn | str:
        reason = await _reason_against(uow, user)
        if reason is not None:
            await refuse_sign_in(uow, user.account_id, origin, f"user:{user.id}")
            return reason
        return await grant_session(uow, user, origin, visitor, "password")

    admitted = await with_password(db, email, password, origin, visitor, admit)
    if isinstance(admitted, str):
        raise Forbidden(admitted, "password")
    return admitted


async def with_password(
    db: Database,
    email: str,
    password: str,
    origin: str,
    visitor: Visitor,
    admit: Callable[[UnitOfWork, User], Awaitable[T]],
) -> T:
    """What ``admit`` makes of the user, in the unit of work that has found the password right.

    Takes the database, not a unit of work: the password is verified between two of them. Raises as
    :func:`sign_in_by_password` does.
    """

    async def find(uow: UnitOfWork) -> tuple[User | None, list[Subject]]:
        user = await users.find_user_by_email(uow, email)
        device = visitor.device_for(user.id if user else None)
        subjects = attempts.of_sign_in(uow, email.strip().casefold(), visitor.address, device)
        if visitor.limited:
            await attempts.require_bearable(uow, subjects)
        return user, subjects

    known, subjects = await db.read(find)
    right = await verify_password(known.password_hash if known else None, password)

    async def decide(uow: UnitOfWork) -> T | None:
        user = await users.find_user(uow, known.id if known else "")
        if user and known and right and user.password_hash == known.password_hash and user.disabled_at is None:
            if visitor.limited:
                await attempts.forget(uow, subjects)
            return await admit(uow, user)
        await refuse_sign_in(uow, user.account_id if user else "", origin, f"email:{email.strip().casefold()}")
        if visitor.limited:
            await attempts.count(uow, subjects)
        return None

    return _admitted(await db.write(decide))


async def sign_in_by_client(db: Database, client_id: str, secret: str) -> SignedIn:
    """Sign the client's user in. Raises Unauthenticated, alike for a wrong id, a wrong secret and a disabled user."""

    async def admit(uow: UnitOfWork) -> SignedIn | None:
        found = await store.find_client(uow, client_id)
        client, fingerprint = found or (None, _NO_FINGERPRINT)
        right = hmac.compare_digest(fingerprint, uow.keys.fingerprint(secret))
        user = await users.find_user(uow, (client and client.user_id) or "")
        if right and client is not None and not is_live(uow, client):
            await end_reused(uow, client.id)
        elif right and user is not None and client is not None:
            return await _admit(uow, user, CLIENT, client)
        await refuse_sign_in(uow, client.account_id if client else "", CLIENT, f"client:{client_id}")
        return None

    return _admitted(await db.write(admit))


async def refresh(uow: UnitOfWork, actor: Actor) -> SignedIn:
    """A new access token for the bearer of one, which itself stays good until its own end.

    It ends with what it was refreshed from. Raises Forbidden for keys, Invalid for tokens that do not expire.
    """
    actor = require(actor, Permission.TOKEN_WRITE)
    old = await store.find_credential(uow, actor.token_id)
    if old is None or old.deleted_at is not None:
        raise Unauthenticated
    if old.kind is not CredentialKind.ACCESS:
        raise Invalid("Only an access token can be refreshed; a personal access token does not expire.", "auth")
    user = await users.get_user(uow, actor, actor.id)
    parent = await store.find_credential(uow, old.parent_id) if old.parent_id else None
    return await _grant(uow, user, old.origin or PASSWORD, "auth:refresh", parent or old)


async def grant_session(uow: UnitOfWork, user: User, origin: str, visitor: Visitor, way: str) -> SignedIn:
    """A session of a person who has proved in ``way`` to be this user. Who may is the caller's to check."""
    await users.note_seen(uow, user)
    signed_in = await _grant(uow, user, origin, "auth:sign-in", None)
    credential = signed_in.access.credential
    is_new = await sessions.note_session(uow, credential.id, user.account_id, user.id, visitor, way)
    if is_new:
        actor = Actor(ActorKind.USER, user.id, user.account_id, credential.id)
        await alerts.raise_alert(uow, actor, "login:new-place", credential.id, user_id=user.id)
    return signed_in


async def _reason_against(uow: UnitOfWork, user: User) -> str | None:
    """Why this user gets no token for a password alone."""
    connection = await sso.find_connection(uow, user.account_id)
    if connection is not None and connection.only_sso:
        return f"Users of this account sign in by {connection.name} on the page, and by no password: {_INSTEAD}."
    policy = await factors.find_policy(uow, user.account_id)
    if not policy.password_tokens:
        return f"This account gives no tokens for passwords: {_INSTEAD}."
    if policy.mfa_required or (await factors.find_factors(uow, user.id)).any:
        return f"A password alone is not enough for this user, who needs a second factor: {_INSTEAD}."
    return None


async def _admit(uow: UnitOfWork, user: User, origin: str, parent: Credential | None = None) -> SignedIn | None:
    """Let the user in, unless disabled."""
    if user.disabled_at is not None:
        await refuse_sign_in(uow, user.account_id, origin, f"user:{user.id}")
        return None
    await users.note_seen(uow, user)
    return await _grant(uow, user, origin, "auth:sign-in", parent)


async def _grant(uow: UnitOfWork, user: User, origin: str, action: str, parent: Credential | None) -> SignedIn:
    """An access token, which outlives no client that it was exchanged for."""
    actor = Actor(ActorKind.USER, user.id, user.account_id, parent.id if parent else "")
    expires_at = uow.now + ACCESS_LIFETIME
    if parent is not None and parent.kind is not CredentialKind.ACCESS and parent.expires_at is not None:
        expires_at = min(expires_at, parent.expires_at)
    minted = await mint(
        uow,
        actor,
        CredentialKind.ACCESS,
        origin,
        user_id=user.id,
        origin=origin,
        parent_id=parent.id if parent else None,
        expires_at=expires_at,
        audited_as=action,
    )
    return SignedIn(user, minted)


async def refuse_sign_in(uow: UnitOfWork, account_id: str, origin: str, claimed: str, **detail: str) -> None:
    """Record a refusal. Who was claimed to be is kept as a fingerprint: enough to see the same one again."""
    nobody = Actor(ActorKind.SYSTEM, "", account_id, "")
    shown = uow.keys.fingerprint(claimed).hex()[:16]
    await audit.record(uow, nobody, "auth:refused", origin=origin, claimed=shown, **detail)


def _admitted(admitted: T | None) -> T:
    """Refuse outside the unit of work, whose record of the refusal has to last."""
    if admitted is None:
        raise Unauthenticated("These credentials are not right; check them and send them again.")
    return admitted
