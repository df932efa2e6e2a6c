"""Whom a credential's row stands for, and what was given to them."""

from __future__ import annotations

from dataclasses import replace

from sheetport.features.auth import store
from sheetport.features.auth.model import CredentialKind
from sheetport.features.auth.service.narrowing import narrowed, narrowed_once_more
from sheetport.features.roles import service as roles
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.errors import Unauthenticated
from sheetport.kernel.json import loads
from sheetport.storage.unit_of_work import Row, UnitOfWork

#: The kinds of credential that are bearer tokens, and the kinds of caller they are.
KINDS = {
    CredentialKind.SECRET_KEY: ActorKind.SECRET_KEY,
    CredentialKind.PUBLISHABLE_KEY: ActorKind.PUBLISHABLE_KEY,
    CredentialKind.PERSONAL: ActorKind.USER,
    CredentialKind.ACCESS: ActorKind.USER,
    CredentialKind.AGENT: ActorKind.AGENT,
}


#: How often a token can be exchanged for a narrower one, that for a narrower one, and so on.
MAX_DEPTH = 8
NEVER = 2**62
#: What ends a credential before its time, by the columns of its standing.
ENDS = ("deleted_at", "user_disabled_at", "environment_deleted_at", "parent_deleted_at")


async def caller_of(uow: UnitOfWork, row: Row, depth: int = 0) -> tuple[Actor, int]:
    """The caller that a row of a token stands for now, and when that expires, milliseconds.

    A narrowed token is what it was exchanged for, narrowed once more: it can no more, no longer and nowhere else.
    Raises Unauthenticated when that has ended.
    """
    kind, expires_at = CredentialKind(row["kind"]), row["expires_at"] if row["expires_at"] is not None else NEVER
    if any(row[name] is not None for name in ENDS) or expires_at <= uow.now or depth > MAX_DEPTH:
        raise Unauthenticated
    if kind in KINDS:
        return await actor_of(uow, row), expires_at
    if kind is not CredentialKind.NARROWED:
        raise Unauthenticated
    parent, parent_expires_at = await _parent(uow, row["parent_id"], depth)
    actor = replace(narrowed_once_more(parent, row), token_id=row["id"])
    return actor, min(expires_at, parent_expires_at)


async def depth_of(uow: UnitOfWork, token_id: str) -> int:
    """How many exchanges a token is away from a credential that was not exchanged for another; at most MAX_DEPTH."""
    depth = 0
    while depth < MAX_DEPTH:
        credential = await store.find_credential(uow, token_id)
        if credential is None or credential.kind is not CredentialKind.NARROWED or credential.parent_id is None:
            break
        token_id, depth = credential.parent_id, depth + 1
    return depth


async def _parent(uow: UnitOfWork, parent_id: str, depth: int) -> tuple[Actor, int]:
    space_id, dot, generation = parent_id.partition(".")
    if dot:
        space = await store.find_space(uow, space_id)
        if space is None or space["deleted_at"] is not None or str(space["token_generation"]) != generation:
            raise Unauthenticated
        return space_actor(space, space_id), NEVER
    row = await store.find_standing(uow, parent_id)
    if row is None:
        raise Unauthenticated
    return await caller_of(uow, row, depth + 1)


def space_actor(row: Row, space_id: str) -> Actor:
    """The caller that a space's token is; its id names the generation, so that what it opens ends with it."""
    token_id = f"{space_id}.{row['token_generation']}"
    return Actor(ActorKind.SPACE, space_id, row["account_id"], token_id, row["environment_id"], space_id)


async def actor_of(uow: UnitOfWork, row: Row) -> Actor:
    """The caller that a row of a bearer token stands for, with what its roles give it now, as narrow as it is."""
    kind = KINDS[CredentialKind(row["kind"])]
    has_roles = kind in {ActorKind.USER, ActorKind.AGENT}
    actor = Actor(
        kind=kind,
        id=row["user_id"] if has_roles else row["id"],
        account_id=row["account_id"],
        token_id=row["id"],
        environment_id=row["environment_id"],
        origins=tuple(loads(row["origins"])) if row["origins"] else (),
        grants=await roles.grants_of(uow, row["user_id"]) if has_roles else None,
    )
    return narrowed(actor, row)
