"""New credentials."""

from __future__ import annotations

from sheetport.features.audit import service as audit
from sheetport.features.auth import store
from sheetport.features.auth.model import ID_WORDS, Credential, CredentialKind, Minted
from sheetport.kernel.actor import Actor
from sheetport.kernel.crypto import masked, mint_token
from sheetport.kernel.ids import new_id
from sheetport.storage.unit_of_work import UnitOfWork

_PREFIXES = {CredentialKind.PERSONAL: "pat", CredentialKind.ACCESS: "at", CredentialKind.CLIENT: "cs"}


async def mint(
    uow: UnitOfWork,
    actor: Actor,
    kind: CredentialKind,
    name: str,
    *,
    account_id: str | None = None,
    environment_id: str | None = None,
    is_prod: bool = False,
    user_id: str | None = None,
    origin: str | None = None,
    parent_id: str | None = None,
    expires_at: int | None = None,
    audited_as: str | None = None,
) -> Minted:
    """Make a credential, store its fingerprint, and return it with its token.

    ``audited_as`` is the audit record's action, by default ``<kind>:create``.
    """
    token = mint_token(_prefix(kind, is_prod=is_prod))
    account = account_id or actor.account_id
    credential = Credential(
        id=new_id(ID_WORDS[kind], environment_id or account),
        kind=kind,
        account_id=account,
        name=name,
        masked=masked(token),
        created_at=uow.now,
        updated_at=uow.now,
        environment_id=environment_id,
        user_id=user_id,
        origin=origin,
        parent_id=parent_id,
        readable=token if kind is CredentialKind.PUBLISHABLE_KEY else None,
        expires_at=expires_at,
    )
    await store.insert_credential(uow, credential, uow.keys.fingerprint(token))
    action = audited_as or f"{kind.value}:create"
    await audit.record(uow, actor, action, credential.id, environment_id=environment_id, name=name)
    return Minted(credential, token)


def _prefix(kind: CredentialKind, *, is_prod: bool) -> str:
    stage = "prod" if is_prod else "dev"
    if kind is CredentialKind.SECRET_KEY:
        return f"sk_{stage}"
    if kind is CredentialKind.PUBLISHABLE_KEY:
        return f"pk_{stage}"
    return _PREFIXES[kind]
