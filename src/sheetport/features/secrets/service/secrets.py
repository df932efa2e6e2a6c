"""Secrets: what listeners read by name, from the environment, a space, an actor."""

from __future__ import annotations

from collections.abc import Iterable

from sheetport.features.audit import service as audit
from sheetport.features.events import service as events
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.features.secrets import store
from sheetport.features.secrets.model import Entry, EntryName, Scope, Secret
from sheetport.features.secrets.service import rules, sealing
from sheetport.features.secrets.service.scopes import secret_scope
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Unavailable
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def list_secrets(
    uow: UnitOfWork,
    actor: Actor,
    environment_id: str | None = None,
    space_id: str | None = None,
    actor_id: str | None = None,
) -> list[Secret]:
    """The secrets that hold in a space and for an actor, in the clear; the last one of a name wins.

    Values leave the server only once the record of it is sealed and on disk. Raises Invalid, NotFound, and
    Unavailable when one of them does not open.
    """
    actor = require(actor, Permission.SECRET_READ)
    scope = await secret_scope(uow, actor, environment_id, space_id, actor_id)
    found = [await _reveal(uow, entry) for entry in _in_order(await store.list_applying(uow, scope))]
    _record_read(uow, actor, scope, found)
    return found


async def list_names(uow: UnitOfWork, actor: Actor, environment_id: str) -> list[EntryName]:
    """The names and scopes of an environment's secrets and variables, never values. Raises NotFound."""
    actor = require(actor, Permission.SECRET_READ)
    await places.get_place(uow, actor, environment_id, "env")
    return await store.list_names(uow, environment_id)


async def upsert_secret(
    uow: UnitOfWork,
    actor: Actor,
    name: str,
    value: str,
    environment_id: str | None = None,
    space_id: str | None = None,
    actor_id: str | None = None,
) -> list[Secret]:
    """Set a secret of exactly this scope, which keeps its id; returns all secrets of the scope.

    Raises Invalid, TooLarge, NotFound.
    """
    actor = require(actor, Permission.SECRET_WRITE)
    rules.check_secret(name, value)
    scope = await secret_scope(uow, actor, environment_id, space_id, actor_id)
    entry, is_new = await sealing.put(uow, scope, name, value, actor.id)
    place = _place(entry)
    if is_new:
        await places.add_place(uow, place)
    await events.emit(uow, actor, "secret:created" if is_new else "secret:updated", place, {"name": name})
    await _record(uow, actor, "secret:create" if is_new else "secret:update", entry)
    return await _list_scope(uow, actor, scope)


async def delete_secret(uow: UnitOfWork, actor: Actor, secret_id: str) -> list[Secret]:
    """Delete a secret; returns what remains of its scope. Raises NotFound."""
    actor = require(actor, Permission.SECRET_WRITE)
    rules.check_text(secret_id, "secretId")
    place = await places.get_place(uow, actor, secret_id, "sec")
    entry = await store.lock_entry(uow, Scope(place.account_id, place.environment_id), secret_id)
    if entry is None:
        raise places.not_found(secret_id, "sec")
    await events.emit(uow, actor, "secret:deleted", place, {"name": entry.name})
    await store.delete_entry(uow, entry)
    await places.delete_place(uow, place)
    await _record(uow, actor, "secret:delete", entry)
    return await _list_scope(uow, actor, entry.scope)


async def _list_scope(uow: UnitOfWork, actor: Actor, scope: Scope) -> list[Secret]:
    """The secrets of exactly one scope, without those that do not open: else none of these could be replaced."""
    found = []
    for entry in _in_order(await store.list_exact(uow, scope)):
        try:
            found.append(await _reveal(uow, entry))
        except Unavailable:
            continue
    _record_read(uow, actor, scope, found)
    return found


def _in_order(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: (entry.scope.rank, entry.name))


async def _reveal(uow: UnitOfWork, entry: Entry) -> Secret:
    scope, value = entry.scope, await sealing.reveal(uow, entry)
    return Secret(entry.id, entry.name, scope.environment_id, scope.space_id or None, scope.actor_id or None, value)


def _place(entry: Entry) -> Place:
    scope = entry.scope
    return Place(scope.environment_id, entry.id, "sec", scope.account_id, scope.space_id or None)


async def _record(uow: UnitOfWork, actor: Actor, action: str, entry: Entry) -> None:
    detail = {"name": entry.name, "version": entry.version, **_where(entry.scope)}
    await audit.record(uow, actor, action, entry.id, environment_id=entry.scope.environment_id, **detail)


def _record_read(uow: UnitOfWork, actor: Actor, scope: Scope, found: list[Secret]) -> None:
    names = [{"id": secret.id, "name": secret.name} for secret in found]
    environment_id = scope.environment_id
    detail = {"secrets": names, **_where(scope)}
    audit.record_read(uow, actor, "secret:read", environment_id, environment_id=environment_id, **detail)


def _where(scope: Scope) -> dict[str, str]:
    named = {"space_id": scope.space_id, "for_actor_id": scope.actor_id}
    return {key: value for key, value in named.items() if value}
