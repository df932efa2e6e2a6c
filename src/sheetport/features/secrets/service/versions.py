"""How a secret comes to another value: each write is a version, and what was there before can come back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sheetport.features.secrets import store
from sheetport.features.secrets.model import SECRET, Entry, Label, Node, Request, Scope, Version
from sheetport.features.secrets.service import references, sealing
from sheetport.kernel.crypto import Sealed
from sheetport.kernel.errors import Conflict
from sheetport.kernel.ids import new_id
from sheetport.storage.unit_of_work import UnitOfWork

#: So many versions of a secret are kept behind the newest.
KEPT = 50
_ATTEMPTS = 5
_UNSEALED = Sealed("", b"", b"")


@dataclass(frozen=True, slots=True)
class Change:
    """How a version comes to be. ``overlap`` is for how many milliseconds the one before is still given out."""

    created_by: str
    overlap: int = 0
    request: Request | None = None


async def put(uow: UnitOfWork, scope: Scope, name: str, value: str, created_by: str) -> tuple[Entry, bool]:
    """Write ``value`` under ``name`` in exactly ``scope``, in force at once; (the entry, whether it is new).

    Raises Invalid for references that lead nowhere, and Unavailable when the environment's data key does not open.
    """
    root = await store.lock_root(uow, scope.environment_id)
    change = Change(created_by)
    for _ in range(_ATTEMPTS):  # each further one only where a process of an older version writes beside this one
        before = await store.lock_named(uow, scope, name)
        if before is not None:
            after, _ = await replace_value(uow, before, value, change)
            await store.settle_root(uow, root)
            return after, False
        entry = await _sealed(uow, Entry(new_id("sec", scope.environment_id), scope, name, 1, _UNSEALED), value)
        if await store.insert_entry(uow, entry, created_by):
            if scope.kind == SECRET:
                await store.insert_version(uow, _version(uow, entry, Label.CURRENT, change))
            await store.settle_root(uow, root)
            return entry, True
    raise Conflict(f"{name!r} is being written and deleted at this moment; try again.", "name")


async def replace_value(uow: UnitOfWork, before: Entry, value: str, change: Change) -> tuple[Entry, Version | None]:
    """Give an entry a new value in force. The root is locked, and settled by the caller."""
    if before.scope.kind != SECRET:
        after = await _sealed(uow, replace(before, version=before.version + 1), value)
        await store.reseal_entry(uow, before, after)
        return after, None
    number = await _next_number(uow, before)
    after = await _sealed(uow, replace(before, version=number), value)
    made = _version(uow, after, Label.CURRENT, change)
    await _step_back(uow, before, change)
    await store.insert_version(uow, made)
    await store.reseal_entry(uow, before, after)
    await _forget_old(uow, after)
    return after, made


async def add_pending(uow: UnitOfWork, before: Entry, value: str, change: Change) -> Version:
    """A version that waits to be promoted; one that waited before is discarded. The caller settles the root."""
    number = await _next_number(uow, before)
    await _discard_pending(uow, before, await store.list_labelled(uow, before.scope, before.id))
    sealed = await _sealed(uow, replace(before, version=number), value)
    made = replace(_version(uow, sealed, Label.PENDING, change), current_at=None)
    await store.insert_version(uow, made)
    return made


async def promote(
    uow: UnitOfWork, before: Entry, pending: Version, value: str, change: Change
) -> tuple[Entry, Version]:
    """Put the pending version in force. The caller settles the root."""
    refs = await _checked(uow, before, value)
    after = replace(pending.entry, refs=refs)
    await _step_back(uow, before, change, promoting=pending.version)
    made = replace(pending, label=Label.CURRENT, current_at=uow.now)
    await store.update_version(uow, pending, made)
    await store.reseal_entry(uow, before, after)
    return after, made


async def wipe(uow: UnitOfWork, entry: Entry) -> None:
    """Leave of a secret that is deleted when its versions were in force, and no value."""
    for one in await store.list_versions(uow, entry.scope, entry.id):
        ended = uow.now if one.current_at is not None and one.ended_at is None else one.ended_at
        await store.update_version(uow, one, replace(_wiped(one, Label.DELETED), ended_at=ended, served_until=None))


async def find_pending(uow: UnitOfWork, entry: Entry) -> Version | None:
    """The version that waits; one that an older version of this server has passed by counts no more."""
    pending = (await store.list_labelled(uow, entry.scope, entry.id)).get(Label.PENDING)
    return pending if pending is not None and pending.version > entry.version else None


async def _sealed(uow: UnitOfWork, entry: Entry, value: str) -> Entry:
    refs = await _checked(uow, entry, value)
    data_key = await sealing.key_to_seal(uow, entry.scope)
    return replace(sealing.seal_entry(data_key, entry, value), refs=refs)


async def _checked(uow: UnitOfWork, entry: Entry, value: str) -> tuple[str, ...]:
    """The names that the value refers to. Raises Invalid."""
    refs = references.names_in(value) if entry.scope.kind == SECRET else ()
    if refs:
        nodes = await store.list_nodes(uow, entry.scope)
        references.check_references(nodes, Node(entry.id, entry.scope, entry.name, refs))
    return refs


async def _next_number(uow: UnitOfWork, entry: Entry) -> int:
    return max(entry.version, await store.last_version(uow, entry.scope, entry.id)) + 1


async def _step_back(uow: UnitOfWork, before: Entry, change: Change, promoting: int | None = None) -> None:
    """The current version becomes the previous one, that one retires, and one that waited is discarded."""
    known = await store.list_labelled(uow, before.scope, before.id)
    if promoting is None:
        await _discard_pending(uow, before, known)
    previous, current = known.get(Label.PREVIOUS), known.get(Label.CURRENT)
    if previous is not None:
        await store.update_version(uow, previous, replace(previous, label=Label.RETIRED, served_until=None))
    if current is not None and current.version != before.version:  # an older version of this server wrote since
        await store.update_version(uow, current, replace(current, label=Label.RETIRED, ended_at=uow.now))
        current = None
    served = uow.now + change.overlap if change.overlap else None
    known_now = current or replace(_version(uow, before, Label.CURRENT, change), request=None)
    stepped = replace(known_now, label=Label.PREVIOUS, ended_at=uow.now, served_until=served)
    if current is None:
        await store.insert_version(uow, stepped)
    else:
        await store.update_version(uow, current, stepped)


async def _discard_pending(uow: UnitOfWork, before: Entry, known: dict[Label, Version]) -> None:
    pending = known.get(Label.PENDING)
    if pending is not None:
        await store.update_version(uow, pending, _wiped(pending, Label.DISCARDED))


async def _forget_old(uow: UnitOfWork, entry: Entry) -> None:
    for one in await store.list_outdated(uow, entry.scope, entry.id, entry.version - KEPT):
        await store.delete_version(uow, one)


def _wiped(one: Version, label: Label) -> Version:
    return replace(one, label=label, sealed=Sealed(one.sealed.key_id, b"", b""))


def _version(uow: UnitOfWork, entry: Entry, label: Label, change: Change) -> Version:
    return Version(
        entry.id,
        entry.scope,
        entry.name,
        entry.version,
        label,
        entry.sealed,
        change.created_by,
        uow.now,
        current_at=uow.now,
        request=change.request,
    )
