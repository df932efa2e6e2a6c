"""Why a token is refused: for whoever owns it, never for the caller who sent it."""

from __future__ import annotations

from sheetport.features.auth import store
from sheetport.features.auth.model import CredentialKind, Ending, Refusal
from sheetport.storage.unit_of_work import UnitOfWork

_ENDS = {
    "deleted_at": "was revoked",
    "parent_deleted_at": "ended with the credential it was exchanged for, which was revoked",
    "environment_deleted_at": "ended with its environment, which was deleted",
    "user_disabled_at": "ended with its user, who was disabled",
}


async def explain_refusal(uow: UnitOfWork, fingerprint: bytes) -> Refusal | None:
    """What is wrong with the token of this fingerprint; None when it is unknown here, or nothing is."""
    row = await store.find_for_verification(uow, fingerprint)
    if row is None:
        return None
    credential = store.credential_of(row)
    if row["deleted_at"] is not None and credential.ended_as == Ending.ROTATED:
        return Refusal(credential, f"was rotated to {credential.replaced_by}", row["deleted_at"])
    for name, why in _ENDS.items():
        if row[name] is not None:
            return Refusal(credential, why, row[name])
    if credential.expires_at is not None and credential.expires_at <= uow.now:
        return Refusal(credential, "expired", credential.expires_at)
    if credential.kind is CredentialKind.CLIENT:
        return Refusal(credential, "was sent as a token", uow.now)
    return None
