"""What a token is that somebody shows us without meaning to call with it."""

from __future__ import annotations

from dataclasses import dataclass

from sheetport.features.auth import store
from sheetport.features.auth.model import CredentialKind
from sheetport.features.auth.service.derived import GUEST_PREFIX, SPACE_PREFIX, read_guest_token, read_space_token
from sheetport.features.auth.service.verify import MAX_TOKEN
from sheetport.storage.unit_of_work import UnitOfWork

SPACE, GUEST = "space", "guest"


@dataclass(frozen=True, slots=True)
class Recognised:
    """A token that is or was one of ours. ``id`` is the credential's, or of a space token (kind ``space``) or a
    guest's (``guest``) the space's or the guest's.

    ``lives``: it is accepted now. ``public``: it is made to be read by everybody.
    """

    kind: str
    id: str
    account_id: str
    environment_id: str | None
    lives: bool
    public: bool = False
    user_id: str | None = None


async def recognise(uow: UnitOfWork, token: str) -> Recognised | None:
    """What a token is, whether it lives or not; None for one that is not ours."""
    if len(token) > MAX_TOKEN:
        return None
    if token.startswith(SPACE_PREFIX):
        return await _space_token(uow, token)
    if token.startswith(GUEST_PREFIX):
        return await _guest_token(uow, token)
    row = await store.find_for_verification(uow, uow.keys.fingerprint(token))
    if row is None:
        return None
    expires_at = row["expires_at"]
    return Recognised(
        row["kind"],
        row["id"],
        row["account_id"],
        row["environment_id"],
        lives=row["deleted_at"] is None and (expires_at is None or expires_at > uow.now),
        public=row["kind"] == CredentialKind.PUBLISHABLE_KEY,
        user_id=row["user_id"],
    )


async def _space_token(uow: UnitOfWork, token: str) -> Recognised | None:
    claim = read_space_token(uow.keys, token)
    row = await store.find_space(uow, claim.space_id) if claim is not None else None
    if claim is None or row is None:
        return None
    lives = row["deleted_at"] is None and row["token_generation"] == claim.generation and claim.expires_at > uow.now
    return Recognised(SPACE, claim.space_id, row["account_id"], row["environment_id"], lives)


async def _guest_token(uow: UnitOfWork, token: str) -> Recognised | None:
    claim = read_guest_token(uow.keys, token)
    row = await store.find_guest(uow, claim.guest_id) if claim is not None else None
    if claim is None or row is None:
        return None
    lives = row["token_generation"] == claim.generation and claim.expires_at > uow.now
    return Recognised(GUEST, claim.guest_id, row["account_id"], row["environment_id"], lives)
