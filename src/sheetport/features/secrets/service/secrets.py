"""Secrets: what listeners read by name, from the environment, a space, an actor."""

from __future__ import annotations

from collections.abc import Iterable

from sheetport.features.audit import service as audit
from sheetport.features.events import service as events
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.features.secrets import store
from sheetport.features.secrets.model import Entry, EntryName, Label, Node, Scope, Secret
from sheetport.features.secrets.service import references, rules, sealing, versions
from sheetport.features.secrets.service.references import Resolver
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
    *,
    label: str | None = None,
    listener: str | None = None,
) -> list[Secret]:
    """The secrets that hold in a space and for an actor, in the clear; the last one of a name wins.

    ``label`` chooses the versions: those in force, the previous ones for as long as they are given out, or the
    pending ones. ``listener`` is what the reader calls itself. Values leave the server only once the record of it is
    sealed and on disk. Raises Invalid, NotFound, and Unavailable when one does not open.
    """
    actor = require(actor, Permission.SECRET_READ)
    scope = await secret_scope(uow, actor, environment_id, space_id, actor_id)
    wanted, reader = rules.check_label(label), rules.check_listener(listener)
    current = await store.list_applying(uow, scope)
    entries = current if wanted is Label.CURRENT else await _list_labelled(uow, scope, wanted)
    found = await _reveal_all(uow, _in_order(entries), current)
    _record_read(uow, actor, scope, found, wanted, reader)
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

    What it was before is its previous version. Raises Invalid, TooLarge, NotFound.
    """
    actor = require(actor, Permission.SECRET_WRITE)
    rules.check_secret(name, value)
    scope = await secret_scope(uow, actor, environment_id, space_id, actor_id)
    entry, is_new = await versions.put(uow, scope, name, value, actor.id)
    place = place_of(entry)
    if is_new:
        await places.add_place(uow, place)
    await events.emit(uow, actor, "secret:created" if is_new else "secret:updated", place, {"name": name})
    await record(uow, actor, "secret:create" if is_new else "secret:update", entry)
    return await _list_scope(uow, actor, scope)


async def delete_secret(uow: UnitOfWork, actor: Actor, secret_id: str) -> list[Secret]:
    """Delete a secret with the values of all its versions; returns what remains of its scope.

    Raises NotFound, and Conflict when another secret refers to it.
    """
    actor = require(actor, Permission.SECRET_WRITE)
    rules.check_text(secret_id, "secretId")
    place = await places.get_place(uow, actor, secret_id, "sec")
    root = await store.lock_root(uow, place.environment_id)
    entry = await store.lock_entry(uow, Scope(place.account_id, place.environment_id), secret_id)
    if entry is None:
        raise places.not_found(secret_id, "sec")
    references.check_deletion(await store.list_nodes(uow, entry.scope), _node(entry))
    await events.emit(uow, actor, "secret:deleted", place, {"name": entry.name})
    await store.delete_entry(uow, entry)
    await versions.wipe(uow, entry)
    await store.settle_root(uow, root)
    await places.delete_place(uow, place)
    await record(uow, actor, "secret:delete", entry)
    return await _list_scope(uow, actor, entry.scope)


def place_of(entry: Entry) -> Place:
    scope = entry.scope
    return Place(scope.environment_id, entry.id, "sec", scope.account_id, scope.space_id or None)


async def record(uow: UnitOfWork, actor: Actor, action: str, entry: Entry, **more: object) -> None:
    """Record a change of a secret."""
    detail = {"name": entry.name, "version": entry.version, **_where(entry.scope), **more}
    await audit.record(uow, actor, action, entry.id, environment_id=entry.scope.environment_id, **detail)


async def _list_scope(uow: UnitOfWork, actor: Actor, scope: Scope) -> list[Secret]:
    """The secrets of exactly one scope, without those that do not open: else none of these could be replaced."""
    own = await store.list_exact(uow, scope)
    wider = await store.list_applying(uow, scope) if any(entry.refs for entry in own) else own
    found = []
    for entry in _in_order(own):
        try:
            found += await _reveal_all(uow, [entry], wider)
        except Unavailable:
            continue
    _record_read(uow, actor, scope, found, Label.CURRENT, None)
    return found


async def _list_labelled(uow: UnitOfWork, scope: Scope, label: Label) -> list[Entry]:
    """The secrets as they are with their pending, or with their previous version as long as that is given out."""
    found = await store.list_applying_versions(uow, scope, label)
    if label is Label.PREVIOUS:
        found = [one for one in found if one.served_until is not None and one.served_until > uow.now]
    return [one.entry for one in found]


async def _reveal_all(uow: UnitOfWork, entries: list[Entry], current: list[Entry]) -> list[Secret]:
    """The entries opened, with what they refer to, which is looked up among those in force."""
    raw = {entry.id: await sealing.reveal(uow, entry) for entry in entries}
    if not any("${" in value for value in raw.values()):
        return [_secret(entry, raw[entry.id]) for entry in entries]
    opened = {entry.id: await sealing.reveal(uow, entry) for entry in current if entry.id not in raw}
    resolver = Resolver([_node(entry) for entry in current], opened | raw)
    return [_secret(entry, resolver.resolve(_node(entry))) for entry in entries]


def _in_order(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: (entry.scope.rank, entry.name))


def _node(entry: Entry) -> Node:
    return Node(entry.id, entry.scope, entry.name, entry.refs)


def _secret(entry: Entry, value: str) -> Secret:
    scope = entry.scope
    return Secret(entry.id, entry.name, scope.environment_id, scope.space_id or None, scope.actor_id or None, value)


def _record_read(
    uow: UnitOfWork, actor: Actor, scope: Scope, found: list[Secret], label: Label, listener: str | None
) -> None:
    names = [{"id": secret.id, "name": secret.name} for secret in found]
    environment_id = scope.environment_id
    detail = {"secrets": names, **_where(scope)}
    if label is not Label.CURRENT:
        detail["label"] = label.value
    if listener:
        detail["listener"] = listener
    audit.record_read(uow, actor, "secret:read", environment_id, environment_id=environment_id, **detail)


def _where(scope: Scope) -> dict[str, object]:
    named = {"space_id": scope.space_id, "for_actor_id": scope.actor_id}
    return {key: value for key, value in named.items() if value}
