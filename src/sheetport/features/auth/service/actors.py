"""Whom a credential's row stands for, and what was given to them."""

from __future__ import annotations

from sheetport.features.auth.model import CredentialKind
from sheetport.features.auth.service.narrowing import narrowed
from sheetport.features.roles import service as roles
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.json import loads
from sheetport.storage.unit_of_work import Row, UnitOfWork

#: The kinds of credential that are bearer tokens, and the kinds of caller they are.
KINDS = {
    CredentialKind.SECRET_KEY: ActorKind.SECRET_KEY,
    CredentialKind.PUBLISHABLE_KEY: ActorKind.PUBLISHABLE_KEY,
    CredentialKind.PERSONAL: ActorKind.USER,
    CredentialKind.ACCESS: ActorKind.USER,
}


async def actor_of(uow: UnitOfWork, row: Row) -> Actor:
    """The caller that a row of a bearer token stands for, with what its roles give it now, as narrow as it is."""
    kind = KINDS[CredentialKind(row["kind"])]
    is_user = kind is ActorKind.USER
    actor = Actor(
        kind=kind,
        id=row["user_id"] if is_user else row["id"],
        account_id=row["account_id"],
        token_id=row["id"],
        environment_id=row["environment_id"],
        origins=tuple(loads(row["origins"])) if row["origins"] else (),
        grants=await roles.grants_of(uow, row["user_id"]) if is_user else None,
    )
    return narrowed(actor, row)
