"""Rotation: a credential is replaced by a new one of the same rights, and stays good beside it for as long as its
owner chooses. Both are written in one transaction, so there is never a moment without a good one.
"""

from __future__ import annotations

import hmac

from sheetport.features.accounts import service as accounts
from sheetport.features.alerts import service as alerts
from sheetport.features.audit import service as audit
from sheetport.features.auth import store
from sheetport.features.auth.model import (
    DEFAULT_OVERLAP,
    MAX_OVERLAP,
    REPLAY,
    Credential,
    CredentialKind,
    Ending,
    Rotated,
)
from sheetport.features.auth.service.mint import mint_like
from sheetport.features.auth.service.policy import latest_end
from sheetport.features.auth.service.revoke import revoke
from sheetport.features.auth.store import rotations
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.clock import DAY, SECOND
from sheetport.kernel.crypto import DecryptionError, Sealed, seal, unseal
from sheetport.kernel.errors import Conflict, Invalid, NotFound
from sheetport.storage.unit_of_work import UnitOfWork

_PURPOSE = "rotation reply"
_MAX_IDEMPOTENCY_KEY = 255
#: A chain of rotations longer than this is followed no further at one time.
_MAX_CHAIN = 1_000


async def rotate(
    uow: UnitOfWork,
    actor: Actor,
    old: Credential,
    overlap_seconds: int | None,
    idempotency_key: str | None,
    max_age_days: int | None = None,
) -> Rotated:
    """Replace a credential. Who may is the caller's to check.

    The old one ends after ``overlap_seconds`` (a day by default, 0 is now), or at its own end if that is sooner. A
    call that repeats the ``idempotency_key`` makes nothing new: it is told the same again. The new one lives as long
    as the old one was to, ``max_age_days`` (the server's) or the account's own at most. Raises Invalid, NotFound for
    one that has ended, and Conflict for one that was rotated already.
    """
    overlap = _overlap(overlap_seconds)
    key = None if idempotency_key is None else _idempotency(uow, idempotency_key)
    if await rotations.find_rotation(uow, old.id) is not None:
        return await _again(uow, old, key)
    if not is_live(uow, old):
        raise NotFound("This credential has ended; make a new one.", "key")
    until = min(uow.now + overlap, old.expires_at or uow.now + overlap)
    lifetime = None if old.expires_at is None else uow.now + old.expires_at - old.created_at
    minted = await mint_like(uow, actor, old, await latest_end(uow, old.account_id, max_age_days, lifetime))
    if not await rotations.replace(uow, old, minted.credential.id, until, actor.id):
        raise Conflict("This credential is being rotated or revoked at this moment; list it and try again.", "key")
    if overlap == 0:
        await store.revoke_credential(uow, old.id, actor.id, Ending.ROTATED)
    sealed = seal(uow.keys.purpose_key(_PURPOSE), "", minted.token.encode(), old.id) if key else None
    await rotations.insert_rotation(uow, old.id, minted.credential.id, key, sealed, uow.now + REPLAY)
    await accounts.bump_generation(uow, old.account_id)
    await audit.record(
        uow,
        actor,
        f"{old.kind.value}:rotate",
        old.id,
        environment_id=old.environment_id,
        successor=minted.credential.id,
        overlap_seconds=overlap // SECOND,
    )
    return Rotated(minted.credential, minted.token)


async def find_reused(uow: UnitOfWork, credential: Credential) -> list[Credential]:
    """The live descendants of a credential that was rotated and is used after its overlap: what such a use ends.

    A publishable key stands in pages, whose copies are used for long and prove nothing: its use ends nothing.
    """
    if credential.replaced_by is None or credential.kind is CredentialKind.PUBLISHABLE_KEY:
        return []
    if is_live(uow, credential):
        return []
    return [each for each in await _descendants(uow, credential) if is_live(uow, each)]


async def end_reused(uow: UnitOfWork, credential_id: str) -> None:
    """Somebody used a credential after its rotation's overlap: end its descendants, and tell of it."""
    credential = await store.find_credential(uow, credential_id)
    found = [] if credential is None else await find_reused(uow, credential)
    if credential is None or not found:
        return
    actor = system_actor(credential.account_id)
    for each in found:
        await revoke(uow, actor, each, Ending.REUSED)
    await alerts.raise_alert(
        uow,
        actor,
        "api-key:exposed",
        credential.id,
        environment_id=credential.environment_id,
        user_id=credential.user_id or credential.created_by,
        kind=credential.kind.value,
        name=credential.name,
        reason="It was used after it had been rotated and its overlap was over.",
        revoked=[each.id for each in found],
    )


async def wipe_rotations(uow: UnitOfWork) -> int:
    """Forget the tokens that repeated rotations would be told, once their time is over; how many."""
    return await rotations.wipe(uow)


async def _descendants(uow: UnitOfWork, credential: Credential) -> list[Credential]:
    found: list[Credential] = []
    successor = credential.replaced_by
    while successor is not None and len(found) < _MAX_CHAIN:
        each = await store.find_credential(uow, successor)
        if each is None:
            break
        found.append(each)
        successor = each.replaced_by
    return found


async def _again(uow: UnitOfWork, old: Credential, key: bytes | None) -> Rotated:
    """What the rotation of ``old`` was answered, if this is the same call again."""
    row = await rotations.find_rotation(uow, old.id)
    successor = None if row is None else await store.find_credential(uow, row["successor_id"])
    if row is None or successor is None:
        raise NotFound("This credential has ended; make a new one.", "key")
    if key is None or row["idempotency"] is None or not hmac.compare_digest(key, bytes(row["idempotency"])):
        raise Conflict(
            f"This credential was rotated already, to {successor.id}; rotate that one if its token was lost.", "key"
        )
    if row["ciphertext"] is None or row["wipe_at"] <= uow.now:
        return Rotated(successor, None)
    try:
        token = unseal(
            uow.keys.purpose_key(_PURPOSE), Sealed("", bytes(row["nonce"]), bytes(row["ciphertext"])), old.id
        )
    except DecryptionError:  # sealed before a restore
        return Rotated(successor, None)
    return Rotated(successor, token.decode())


def _overlap(seconds: int | None) -> int:
    overlap = DEFAULT_OVERLAP if seconds is None else seconds * SECOND
    if not 0 <= overlap <= MAX_OVERLAP:
        most = MAX_OVERLAP // SECOND
        raise Invalid(f"overlapSeconds must be from 0 (now) to {most} ({MAX_OVERLAP // DAY} days).", "overlapSeconds")
    return overlap


def _idempotency(uow: UnitOfWork, key: str) -> bytes:
    if not (1 <= len(key) <= _MAX_IDEMPOTENCY_KEY and key.isascii() and key.isprintable()):
        raise Invalid(f"Idempotency-Key must have 1 to {_MAX_IDEMPOTENCY_KEY} printable characters.", "Idempotency-Key")
    return uow.keys.fingerprint(f"idempotency {key}")


def is_live(uow: UnitOfWork, credential: Credential) -> bool:
    """Whether a credential has neither been ended nor expired."""
    return credential.deleted_at is None and (credential.expires_at is None or credential.expires_at > uow.now)
