"""The keys of an environment."""

from __future__ import annotations

from collections.abc import Iterable

from sheetport.features.accounts import service as accounts
from sheetport.features.audit import service as audit
from sheetport.features.auth import store
from sheetport.features.auth.model import Credential, CredentialKind, Minted, Rotated, Wanted
from sheetport.features.auth.service.mint import given_name, mint
from sheetport.features.auth.service.narrowing import chosen_scope
from sheetport.features.auth.service.policy import chosen_end
from sheetport.features.auth.service.revoke import revoke
from sheetport.features.auth.service.rotate import rotate
from sheetport.features.places import service as places
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid, NotFound
from sheetport.kernel.origins import parse_origin
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

MAX_ORIGINS = 100
_NAMES = {CredentialKind.SECRET_KEY: "Secret key", CredentialKind.PUBLISHABLE_KEY: "Publishable key"}


async def create_environment_keys(
    uow: UnitOfWork, actor: Actor, environment_id: str, *, is_prod: bool
) -> tuple[Minted, Minted]:
    """The secret and the publishable key that every environment begins with."""
    secret, publishable = [
        await mint(uow, actor, kind, name, environment_id=environment_id, is_prod=is_prod)
        for kind, name in _NAMES.items()
    ]
    return secret, publishable


async def list_keys(uow: UnitOfWork, actor: Actor, environment_id: str) -> list[Credential]:
    """The live keys of an environment, oldest first. Raises NotFound."""
    actor = require(actor, Permission.API_KEY_READ)
    await places.get_place(uow, actor, environment_id, "env")
    return await store.list_by_environment(uow, environment_id)


async def get_publishable_key(uow: UnitOfWork, actor: Actor, environment_id: str) -> Credential:
    """The newest publishable key of an environment. Raises NotFound."""
    keys = await list_keys(uow, actor, environment_id)
    publishable = [key for key in keys if key.kind is CredentialKind.PUBLISHABLE_KEY]
    if not publishable:
        raise NotFound("This environment has no publishable key; create one.", "environmentId")
    return publishable[-1]


async def create_key(
    uow: UnitOfWork,
    actor: Actor,
    environment_id: str,
    kind: CredentialKind,
    wanted: Wanted | None = None,
    max_age_days: int | None = None,
) -> tuple[Minted, list[Credential]]:
    """A new key, and all the environment's keys with it. Raises NotFound, Invalid.

    It lives as long as is ``wanted``, or as the account or the server (``max_age_days``) lets keys become old.
    """
    wanted = wanted or Wanted()
    actor = require(actor, Permission.API_KEY_WRITE)
    place = await places.get_place(uow, actor, environment_id, "env")
    is_prod = await store.is_prod(uow, environment_id)
    scope, operations = await chosen_scope(uow, actor, environment_id, wanted)
    minted = await mint(
        uow,
        actor,
        kind,
        given_name(wanted.name or _NAMES[kind]),
        account_id=place.account_id,
        environment_id=environment_id,
        is_prod=is_prod,
        expires_at=await chosen_end(uow, place.account_id, max_age_days, wanted.expires_at),
        scope=scope,
        operations=operations,
    )
    return minted, await store.list_by_environment(uow, environment_id)


async def delete_key(uow: UnitOfWork, actor: Actor, environment_id: str, key: str) -> None:
    """End a key, named by its id or by itself; it is refused as soon as this is answered. Raises NotFound."""
    actor = require(actor, Permission.API_KEY_WRITE)
    await places.get_place(uow, actor, environment_id, "env")
    found = await store.find_key(uow, environment_id, key, uow.keys.fingerprint(key))
    if found is None or found.deleted_at is not None:
        raise _no_key()
    await revoke(uow, actor, found)


async def rotate_key(
    uow: UnitOfWork,
    actor: Actor,
    environment_id: str,
    key: str,
    overlap_seconds: int | None,
    idempotency_key: str | None,
    max_age_days: int | None,
) -> Rotated:
    """Replace a key, named by its id or by itself; see :func:`rotate`. Raises NotFound, Invalid, Conflict."""
    actor = require(actor, Permission.API_KEY_WRITE)
    await places.get_place(uow, actor, environment_id, "env")
    found = await store.find_key(uow, environment_id, key, uow.keys.fingerprint(key))
    if found is None:
        raise _no_key()
    return await rotate(uow, actor, found, overlap_seconds, idempotency_key, max_age_days)


def _no_key() -> NotFound:
    return NotFound("This environment has no such key; 'key' takes a key's id or the key itself.", "key")


async def list_publishable_keys(
    uow: UnitOfWork, actor: Actor, environment_id: str, key_id: str | None = None
) -> list[Credential]:
    """The publishable keys of an environment, or the one of this id or token. Raises NotFound when there is none."""
    keys = [key for key in await list_keys(uow, actor, environment_id) if key.kind is CredentialKind.PUBLISHABLE_KEY]
    chosen = [key for key in keys if key_id in {None, key.id, key.readable}]
    if not chosen:
        raise NotFound("This environment has no such publishable key.", "key")
    return chosen


async def set_origins(
    uow: UnitOfWork, actor: Actor, environment_id: str, key: Credential, origins: Iterable[str]
) -> None:
    """Say on which pages a publishable key may be used, on any when ``origins`` is empty; it holds from the reply on.

    Raises Invalid.
    """
    actor = require(actor, Permission.API_KEY_WRITE)
    wanted = list(dict.fromkeys(parse_origin(origin) for origin in origins))
    if len(wanted) > MAX_ORIGINS:
        raise Invalid(f"A key takes at most {MAX_ORIGINS} origins; https://*.example.com covers many.", "origins")
    await store.set_origins(uow, key.id, wanted)
    action = "publishable_key:origins"
    await audit.record(uow, actor, action, key.id, environment_id=environment_id, origins=wanted)
    await accounts.bump_generation(uow, key.account_id)
