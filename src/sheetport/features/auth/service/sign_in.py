"""Exchanges a password, or a client's secret, or a running access token for an access token of 24 hours.

Whatever is wrong, the refusal is the same, and takes the same time whether the address exists or not.
"""

from __future__ import annotations

import hmac

from sheetport.features.audit import service as audit
from sheetport.features.auth import store
from sheetport.features.auth.model import ACCESS_LIFETIME, Credential, CredentialKind, SignedIn
from sheetport.features.auth.service.mint import mint
from sheetport.features.auth.service.passwords import verify_password
from sheetport.features.auth.service.rotate import end_reused, is_live
from sheetport.features.users import service as users
from sheetport.features.users.model import User
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.errors import Invalid, Unauthenticated
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import Database, UnitOfWork

PASSWORD, CLIENT = "password sign-in", "client credentials"
#: Compared with when there is no such client, so that the comparison is made all the same.
_NO_FINGERPRINT = bytes(32)


async def sign_in_by_password(db: Database, email: str, password: str, origin: str = PASSWORD) -> SignedIn:
    """Sign a user in. Raises Unauthenticated, alike for a wrong address, a wrong password and a disabled user.

    Takes the database, not a unit of work: the password is verified between two of them. ``origin`` is what the
    sign-in is listed as.
    """
    known = await db.read(lambda uow: users.find_user_by_email(uow, email))
    right = await verify_password(known.password_hash if known else None, password)

    async def admit(uow: UnitOfWork) -> SignedIn | None:
        user = await users.find_user(uow, known.id if known else "")
        if right and user is not None and known is not None and user.password_hash == known.password_hash:
            return await _admit(uow, user, origin)
        await _refuse(uow, user.account_id if user else "", origin, f"email:{email.strip().casefold()}")
        return None

    return _admitted(await db.write(admit))


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
        await _refuse(uow, client.account_id if client else "", CLIENT, f"client:{client_id}")
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


async def _admit(uow: UnitOfWork, user: User, origin: str, parent: Credential | None = None) -> SignedIn | None:
    """Let the user in, unless disabled."""
    if user.disabled_at is not None:
        await _refuse(uow, user.account_id, origin, f"user:{user.id}")
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


async def _refuse(uow: UnitOfWork, account_id: str, origin: str, claimed: str) -> None:
    """Record a refusal. Who was claimed to be is kept as a fingerprint: enough to see the same one again."""
    nobody = Actor(ActorKind.SYSTEM, "", account_id, "")
    await audit.record(uow, nobody, "auth:refused", origin=origin, claimed=uow.keys.fingerprint(claimed).hex()[:16])


def _admitted(signed_in: SignedIn | None) -> SignedIn:
    """Refuse outside the unit of work, whose record of the refusal has to last."""
    if signed_in is None:
        raise Unauthenticated("These credentials are not right; check them and send them again.")
    return signed_in
