"""Ends credentials: what is revoked is refused as soon as the revoking call is answered."""

from __future__ import annotations

from sheetport.features.accounts import service as accounts
from sheetport.features.audit import service as audit
from sheetport.features.auth import store
from sheetport.features.auth.model import Credential
from sheetport.kernel.actor import Actor
from sheetport.storage.unit_of_work import UnitOfWork


async def revoke(uow: UnitOfWork, actor: Actor, credential: Credential) -> None:
    """End a credential and the access tokens it was exchanged for. Who may is the caller's to check."""
    await store.revoke_credential(uow, credential.id)
    await accounts.bump_generation(uow, credential.account_id)
    await audit.record(
        uow, actor, f"{credential.kind.value}:delete", credential.id, environment_id=credential.environment_id
    )


async def revoke_credential(uow: UnitOfWork, actor: Actor, credential_id: str) -> None:
    """:func:`revoke` by id, for the server itself; an id that is gone already is passed over."""
    credential = await store.find_credential(uow, credential_id)
    if credential is not None and credential.deleted_at is None:
        await revoke(uow, actor, credential)
