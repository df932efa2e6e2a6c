"""What a user can show to be themselves: personal access tokens, running sign-ins, client credentials."""

from __future__ import annotations

from dataclasses import replace

from sheetport.features.auth import store
from sheetport.features.auth.model import Credential, CredentialKind, Minted, Narrowing, Rotated, Wanted
from sheetport.features.auth.service.actors import actor_of
from sheetport.features.auth.service.mint import given_name, mint
from sheetport.features.auth.service.narrowing import chosen_scope
from sheetport.features.auth.service.policy import chosen_end, latest_end
from sheetport.features.auth.service.revoke import revoke
from sheetport.features.auth.service.rotate import rotate
from sheetport.features.users import service as users
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Forbidden, NotFound
from sheetport.kernel.paging import Page, Paged
from sheetport.kernel.permissions import Permission, may, require
from sheetport.storage.unit_of_work import UnitOfWork

ME = "me"
CLIENT_NAME = "Client credentials"


async def list_tokens(uow: UnitOfWork, actor: Actor) -> list[Credential]:
    """The caller's personal access tokens and running sign-ins, oldest first."""
    actor = require(actor, Permission.TOKEN_READ)
    held = await store.list_by_user(uow, actor.id)
    return [each for each in held if each.kind in {CredentialKind.PERSONAL, CredentialKind.ACCESS}]


async def list_own(uow: UnitOfWork, actor: Actor) -> list[Credential]:
    """All that the user can show to be themselves, for the slices above, which check who may ask."""
    return await store.list_by_user(uow, actor.id)


async def create_token(uow: UnitOfWork, actor: Actor, wanted: Wanted, max_age_days: int | None = None) -> Minted:
    """A new personal access token, as ``wanted``; it ends when that says, or when it is too old for the account or the
    server (``max_age_days``). Raises Invalid, NotFound."""
    actor = require(actor, Permission.TOKEN_WRITE)
    return await _make(uow, actor, CredentialKind.PERSONAL, wanted, max_age_days)


async def _make(
    uow: UnitOfWork, actor: Actor, kind: CredentialKind, wanted: Wanted, max_age_days: int | None
) -> Minted:
    scope, operations = await chosen_scope(uow, actor.at_large(), None, wanted)
    return await mint(
        uow,
        actor,
        kind,
        given_name(wanted.name or ""),
        user_id=actor.id,
        expires_at=await chosen_end(uow, actor.account_id, max_age_days, wanted.expires_at),
        scope=scope,
        operations=operations,
    )


async def mint_for_device(
    uow: UnitOfWork,
    actor: Actor,
    name: str,
    *,
    origin: str,
    expires_at: int,
    max_age_days: int | None,
    permissions: tuple[str, ...],
    bound_to: str | None,
) -> tuple[Minted, tuple[str, ...]]:
    """A personal access token for a program that the user has let in, and all that it may do now.

    It lives until ``expires_at`` at most, and no longer than keys may. Who may is the caller's to check.
    """
    minted = await mint(
        uow,
        actor,
        CredentialKind.PERSONAL,
        name,
        user_id=actor.id,
        origin=origin,
        expires_at=await latest_end(uow, actor.account_id, max_age_days, expires_at),
        scope=Narrowing(permissions=permissions, bound_to=bound_to),
    )
    row = await store.find_standing(uow, minted.credential.id)
    acting = await actor_of(uow, row) if row is not None else actor
    return minted, tuple(sorted(permission.value for permission in Permission if may(acting, permission)))


async def delete_token(uow: UnitOfWork, actor: Actor, token_id: str) -> None:
    """End a token, a sign-in or a client credential of the caller's, with all it was exchanged for.

    It is refused as soon as this is answered. Raises NotFound.
    """
    actor = require(actor, Permission.TOKEN_WRITE)
    found = await store.find_credential(uow, token_id)
    if found is None or found.user_id != actor.id or found.deleted_at is not None:
        raise NotFound("You have no such token.", "accessTokenId")
    await revoke(uow, actor, found)


async def rotate_token(
    uow: UnitOfWork,
    actor: Actor,
    token_id: str,
    overlap_seconds: int | None,
    idempotency_key: str | None,
    max_age_days: int | None,
) -> Rotated:
    """Replace a personal access token of the caller's; see :func:`rotate`. Raises NotFound, Invalid, Conflict."""
    actor = require(actor, Permission.TOKEN_WRITE)
    found = await store.find_credential(uow, token_id)
    if found is None or found.user_id != actor.id or found.kind is not CredentialKind.PERSONAL:
        raise NotFound("You have no such personal access token; sign in again instead of a sign-in.", "accessTokenId")
    return await rotate(uow, actor, found, overlap_seconds, idempotency_key, max_age_days)


async def rotate_client(
    uow: UnitOfWork,
    actor: Actor,
    user_id: str,
    client_id: str,
    overlap_seconds: int | None,
    idempotency_key: str | None,
    max_age_days: int | None,
) -> Rotated:
    """Replace client credentials of the caller, who is ``user_id``, by new ones with an id of their own.

    See :func:`rotate`. Raises NotFound, Forbidden, Invalid, Conflict.
    """
    actor = require(actor, Permission.TOKEN_WRITE)
    await _require_self(uow, actor, user_id, actor.account_id)
    found = await store.find_credential(uow, client_id)
    if found is None or found.user_id != actor.id or found.kind is not CredentialKind.CLIENT:
        raise NotFound("You have no such client credentials.", "clientId")
    return await rotate(uow, actor, found, overlap_seconds, idempotency_key, max_age_days)


async def list_clients(uow: UnitOfWork, actor: Actor, user_id: str, tenant_id: str, page: Page) -> Paged[Credential]:
    """The client credentials of the caller, who is ``user_id``. Raises NotFound, Forbidden, Invalid."""
    actor = require(actor, Permission.TOKEN_READ)
    await _require_self(uow, actor, user_id, tenant_id)
    held = await store.list_by_user(uow, actor.id)
    clients = [each for each in held if each.kind is CredentialKind.CLIENT]
    return Paged(clients[page.offset : page.offset + page.size], page, len(clients))


async def create_client(
    uow: UnitOfWork,
    actor: Actor,
    user_id: str,
    tenant_id: str,
    wanted: Wanted | None = None,
    max_age_days: int | None = None,
) -> Minted:
    """New client credentials, as ``wanted``: their id is the client id, their token the secret."""
    actor = require(actor, Permission.TOKEN_WRITE)
    await _require_self(uow, actor, user_id, tenant_id)
    wanted = wanted or Wanted()
    named = replace(wanted, name=wanted.name or CLIENT_NAME)
    return await _make(uow, actor, CredentialKind.CLIENT, named, max_age_days)


async def _require_self(uow: UnitOfWork, actor: Actor, user_id: str, tenant_id: str) -> None:
    """Whoever holds a user's credentials acts as that user, who may say ``me``; nobody makes them for another."""
    if tenant_id != actor.account_id:
        raise NotFound("tenantId must be the id of your account.", "tenantId")
    if user_id == ME:
        return
    await users.get_user(uow, actor, user_id)
    if user_id != actor.id:
        raise Forbidden("Client credentials act as their user; only that user can see or make them.", "userId")
