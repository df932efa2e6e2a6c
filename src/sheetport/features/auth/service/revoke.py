"""Ends credentials: what is revoked is refused as soon as the revoking call is answered."""

from __future__ import annotations

from dataclasses import replace

from sheetport.features.accounts import service as accounts
from sheetport.features.alerts import service as alerts
from sheetport.features.audit import service as audit
from sheetport.features.auth import store
from sheetport.features.auth.model import LOCAL, Credential, CredentialKind, Ending
from sheetport.kernel.actor import Actor
from sheetport.storage.unit_of_work import UnitOfWork


async def revoke(uow: UnitOfWork, actor: Actor, credential: Credential, ending: Ending = Ending.REVOKED) -> None:
    """End a credential and the access tokens it was exchanged for. Who may is the caller's to check."""
    await store.revoke_credential(uow, credential.id, actor.id, ending)
    await accounts.bump_generation(uow, credential.account_id)
    actor = replace(actor, account_id=credential.account_id)
    environment_id = credential.environment_id
    facts = {} if ending is Ending.REVOKED else {"ending": ending.value}
    action = f"{credential.kind.value}:delete"
    await audit.record(uow, actor, action, credential.id, environment_id=environment_id, **facts)
    if credential.kind in {CredentialKind.ACCESS, CredentialKind.AGENT} or credential.origin == LOCAL:
        return
    await alerts.raise_alert(
        uow,
        actor,
        "api-key:revoked",
        credential.id,
        environment_id=environment_id,
        user_id=credential.user_id or credential.created_by,
        is_recorded=True,
        kind=credential.kind.value,
        name=credential.name,
        ending=ending.value,
    )


async def revoke_credential(uow: UnitOfWork, actor: Actor, credential_id: str, ending: Ending = Ending.REVOKED) -> None:
    """:func:`revoke` by id, for the server itself; an id that is gone already is passed over."""
    credential = await store.find_credential(uow, credential_id)
    if credential is not None and credential.deleted_at is None:
        await revoke(uow, actor, credential, ending)
