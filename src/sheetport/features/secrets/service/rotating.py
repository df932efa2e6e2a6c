"""Rotating a secret: another value, at once or once it was tried, and the way back."""

from __future__ import annotations

from sheetport.features.alerts import service as alerts
from sheetport.features.events import service as events
from sheetport.features.places import service as places
from sheetport.features.secrets import store
from sheetport.features.secrets.model import Entry, Label, Request, Scope, Version
from sheetport.features.secrets.service import rules, scheduling, sealing, versions
from sheetport.features.secrets.service.secrets import place_of, record
from sheetport.features.secrets.service.versions import Change
from sheetport.kernel.actor import Actor
from sheetport.kernel.clock import SECOND
from sheetport.kernel.errors import Conflict, NotFound
from sheetport.kernel.ids import random_text
from sheetport.kernel.json import dumps
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def rotate_secret(
    uow: UnitOfWork,
    actor: Actor,
    secret_id: str,
    *,
    value: str | None = None,
    length: int | None = None,
    pending: bool = False,
    overlap: int = 0,
    request_key: str | None = None,
) -> Version:
    """Give a secret another value: ``value``, or one made of ``length`` random letters and digits (43 by default).

    ``pending`` lets it wait to be promoted. For ``overlap`` seconds (30 days at most) readers still get the version
    before by its label. A call with the same ``request_key`` (Idempotency-Key) changes nothing and returns what the
    first one made. Raises Invalid, TooLarge, NotFound, and Conflict for a key that was sent with something else.
    """
    actor = require(actor, Permission.SECRET_WRITE)
    size = rules.check_length(length, value)
    rules.check_overlap(overlap)
    asked = (
        "rotate",
        "" if value is None else value,
        "" if length is None else str(length),
        str(pending),
        str(overlap),
    )
    request = _request(uow, request_key, *asked)
    entry = await lock_secret(uow, actor, secret_id)
    made_before = await _made_before(uow, entry, request)
    if made_before is not None:
        return made_before
    new_value = random_text(size) if value is None else value
    rules.check_secret(entry.name, new_value)
    change = Change(actor.id, overlap * SECOND, request)
    if pending:
        made = await versions.add_pending(uow, entry, new_value, change)
        await settle(uow, entry.scope.environment_id)
        await record(uow, actor, "secret:rotate-pending", entry, pending=made.version)
        return made
    return await _finish(uow, actor, entry, await versions.replace_value(uow, entry, new_value, change), "rotate")


async def promote_secret(
    uow: UnitOfWork, actor: Actor, secret_id: str, *, version: int | None = None, overlap: int = 0
) -> Version:
    """Put the pending version in force. With its ``version`` a repeated call finds it in force and changes nothing.

    Raises NotFound, Invalid, and Conflict when nothing, or another version, is pending.
    """
    actor = require(actor, Permission.SECRET_WRITE)
    rules.check_overlap(overlap)
    entry = await lock_secret(uow, actor, secret_id)
    pending = await versions.find_pending(uow, entry)
    if version is not None and version == entry.version:
        return await get_current(uow, entry)
    if pending is None or version not in {None, pending.version}:
        waiting = "no version is pending" if pending is None else f"version {pending.version} is pending"
        raise Conflict(f"Of {entry.name!r} {waiting}; rotate it with pending, or promote that one.", "version")
    value = await sealing.reveal(uow, pending.entry)
    change = Change(actor.id, overlap * SECOND)
    return await _finish(uow, actor, entry, await versions.promote(uow, entry, pending, value, change), "promote")


async def roll_back_secret(
    uow: UnitOfWork,
    actor: Actor,
    secret_id: str,
    *,
    version: int | None = None,
    overlap: int = 0,
    request_key: str | None = None,
) -> Version:
    """Bring an earlier value back as a new version: the previous one's, or that of ``version``.

    Raises NotFound when there is none, and Conflict as :func:`rotate_secret`.
    """
    actor = require(actor, Permission.SECRET_WRITE)
    rules.check_overlap(overlap)
    request = _request(uow, request_key, "roll back", version, overlap)
    entry = await lock_secret(uow, actor, secret_id)
    made_before = await _made_before(uow, entry, request)
    if made_before is not None:
        return made_before
    earlier = await _earlier(uow, entry, version)
    value = await sealing.reveal(uow, earlier.entry)
    change = Change(actor.id, overlap * SECOND, request)
    done = await versions.replace_value(uow, entry, value, change)
    return await _finish(uow, actor, entry, done, "rollback", restores=earlier.version)


async def get_current(uow: UnitOfWork, entry: Entry) -> Version:
    """The version in force."""
    known = await store.list_labelled(uow, entry.scope, entry.id)
    return known.get(Label.CURRENT) or Version(
        entry.id, entry.scope, entry.name, entry.version, Label.CURRENT, entry.sealed, "", uow.now
    )


async def lock_secret(uow: UnitOfWork, actor: Actor, secret_id: str) -> Entry:
    """The secret, for a caller whose permission was checked, kept from other writers. Raises NotFound."""
    rules.check_text(secret_id, "secretId")
    place = await places.get_place(uow, actor, secret_id, "sec")
    await store.lock_root(uow, place.environment_id)
    entry = await store.lock_entry(uow, Scope(place.account_id, place.environment_id), secret_id)
    if entry is None:
        raise places.not_found(secret_id, "sec")
    return entry


async def _finish(
    uow: UnitOfWork, actor: Actor, before: Entry, done: tuple[Entry, Version | None], verb: str, **more: object
) -> Version:
    """Settle the root and tell of a new version in force."""
    after, made = done
    await settle(uow, after.scope.environment_id)
    await scheduling.begin_again(uow, after)
    place = place_of(after)
    version = made or await get_current(uow, after)
    await events.emit(uow, actor, "secret:updated", place, {"name": after.name})
    await alerts.raise_alert(
        uow,
        actor,
        "secret:rotated",
        after.id,
        account_id=after.scope.account_id,
        environment_id=after.scope.environment_id,
        is_recorded=True,
        name=after.name,
        version=version.version,
        before=before.version,
    )
    await record(uow, actor, f"secret:{verb}", after, before=before.version, **more)
    return version


async def settle(uow: UnitOfWork, environment_id: str) -> None:
    """Write the root behind the changes of this unit of work."""
    await store.settle_root(uow, await store.lock_root(uow, environment_id))


async def _earlier(uow: UnitOfWork, entry: Entry, number: int | None) -> Version:
    if number is None:
        found = (await store.list_labelled(uow, entry.scope, entry.id)).get(Label.PREVIOUS)
    else:
        found = await store.find_version(uow, entry.scope, entry.id, number)
    if found is None or found.is_wiped or found.label not in {Label.PREVIOUS, Label.RETIRED}:
        named = "no previous version" if number is None else f"no earlier version {number}"
        raise NotFound(f"{entry.name!r} has {named} to roll back to; list its versions.", "version")
    return found


def _request(uow: UnitOfWork, key: str | None, *asked: str | int | None) -> Request | None:
    if key is None:
        return None
    rules.check_request_key(key)
    return Request(key, uow.keys.fingerprint(dumps(list(asked))))


async def _made_before(uow: UnitOfWork, entry: Entry, request: Request | None) -> Version | None:
    """What a call with the same key has made already. Raises Conflict when that one asked for something else."""
    if request is None:
        return None
    found = await store.find_by_request(uow, entry.scope, entry.id, request.key)
    if found is not None and (found.request is None or found.request.digest != request.digest):
        raise Conflict("This Idempotency-Key was sent with another change of the secret; send a new one.", "key")
    return found
