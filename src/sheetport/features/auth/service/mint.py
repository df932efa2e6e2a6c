"""New credentials."""

from __future__ import annotations

from dataclasses import replace

from sheetport.features.audit import service as audit
from sheetport.features.auth import store
from sheetport.features.auth.model import ID_WORDS, Credential, CredentialKind, Minted, Narrowing
from sheetport.kernel.actor import Actor
from sheetport.kernel.crypto import mint_token
from sheetport.kernel.errors import Invalid
from sheetport.kernel.ids import new_id
from sheetport.kernel.tokens import masked
from sheetport.storage.unit_of_work import UnitOfWork

MAX_NAME = 255
_PREFIXES = {
    CredentialKind.PERSONAL: "pat",
    CredentialKind.ACCESS: "at",
    CredentialKind.CLIENT: "cs",
    CredentialKind.NARROWED: "nt",
    CredentialKind.AGENT: "agt",
}


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
    scope: Narrowing | None = None,
    operations: list[dict[str, str]] | None = None,
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
        operations=operations or [],
        created_by=actor.id,
        scope=scope or Narrowing(),
    )
    await keep(uow, actor, credential, token, audited_as)
    return Minted(credential, token)


async def mint_like(uow: UnitOfWork, actor: Actor, old: Credential, expires_at: int | None) -> Minted:
    """A credential with a new id, token and time that may do what ``old`` may."""
    is_prod = old.environment_id is not None and await store.is_prod(uow, old.environment_id)
    token = mint_token(_prefix(old.kind, is_prod=is_prod))
    credential = replace(
        old,
        id=new_id(ID_WORDS[old.kind], old.environment_id or old.account_id),
        masked=masked(token),
        created_at=uow.now,
        updated_at=uow.now,
        origin=None,
        readable=token if old.readable else None,
        expires_at=expires_at,
        last_used_at=None,
        created_by=actor.id,
        rotate_by=None,
    )
    await keep(uow, actor, credential, token, None)
    return Minted(credential, token)


async def keep(uow: UnitOfWork, actor: Actor, credential: Credential, token: str, audited_as: str | None) -> None:
    await store.insert_credential(uow, credential, uow.keys.fingerprint(token))
    action = audited_as or f"{credential.kind.value}:create"
    environment_id = credential.environment_id
    await audit.record(uow, actor, action, credential.id, environment_id=environment_id, name=credential.name)


def _prefix(kind: CredentialKind, *, is_prod: bool) -> str:
    stage = "prod" if is_prod else "dev"
    if kind is CredentialKind.SECRET_KEY:
        return f"sk_{stage}"
    if kind is CredentialKind.PUBLISHABLE_KEY:
        return f"pk_{stage}"
    return _PREFIXES[kind]


def given_name(name: str) -> str:
    """A credential's name, trimmed. Raises Invalid."""
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise Invalid(f"name must have 1 to {MAX_NAME} characters; name the one program that will use it.", "name")
    return name
