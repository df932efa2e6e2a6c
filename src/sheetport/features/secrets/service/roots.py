"""Whether an environment's sealed rows are those that were written: none altered, moved, taken away or put back."""

from __future__ import annotations

from functools import partial

import structlog

from sheetport.features.alerts import service as alerts
from sheetport.features.audit import service as audit
from sheetport.features.places import service as places
from sheetport.features.secrets import store
from sheetport.features.secrets.model import Entry, Scope
from sheetport.features.secrets.service import sealing
from sheetport.features.secrets.service.scopes import secret_scope
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.crypto import DecryptionError
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import Database, UnitOfWork

_SEQUENCE_BYTES = 8
#: As many faults are named by an alert; `sheetport secrets verify` names all.
_TOLD = 20
_log = structlog.get_logger()
#: Of an environment without a sealed row.
NO_ROOT = bytes(_SEQUENCE_BYTES + 32)


async def secret_root(uow: UnitOfWork, environment_id: str) -> bytes:
    """What an environment's secrets, their versions and its data keys are, in 40 bytes.

    The first 8 (big-endian) count their changes and only go up; the other 32 are a MAC under the key file. A database
    that shows less than was seen before was put back; one that shows the same count with another MAC was altered.
    """
    root = await store.find_root(uow, environment_id)
    return NO_ROOT if root is None else root.sequence.to_bytes(_SEQUENCE_BYTES, "big") + root.mac


async def list_secret_roots(uow: UnitOfWork) -> dict[str, bytes]:
    """:func:`secret_root` of every environment that has one."""
    return {environment: await secret_root(uow, environment) for environment, _ in await store.list_environments(uow)}


async def verify_secrets(uow: UnitOfWork, actor: Actor, environment_id: str | None) -> list[str]:
    """What is wrong with an environment's sealed rows, in sentences; none when all is well.

    Needs a unit of work that writes: other writers of the environment's secrets wait for it. Raises NotFound.
    """
    actor = require(actor, Permission.SECRET_WRITE)
    scope = await secret_scope(uow, actor, environment_id, None, None)
    return await find_faults(uow, scope.account_id, scope.environment_id)


async def accept_secrets(uow: UnitOfWork, actor: Actor, environment_id: str) -> list[str]:
    """Take an environment's sealed rows for good as they are; returns what was wrong with them. Raises NotFound."""
    actor = require(actor, Permission.SECRET_WRITE)
    place = await places.get_place(uow, actor, environment_id, "env")
    faults = await find_faults(uow, place.account_id, environment_id)
    root = await store.lock_root(uow, environment_id)
    await store.settle_root(uow, root, total=await store.sum_rows(uow, environment_id))
    detail = {"faults": faults}
    await audit.record(uow, actor, "secret:accept", environment_id, environment_id=environment_id, **detail)
    return faults


async def find_faults(uow: UnitOfWork, account_id: str, environment_id: str) -> list[str]:
    """:func:`verify_secrets` for the server itself."""
    root = await store.lock_root(uow, environment_id)
    scope, faults = Scope(account_id, environment_id), []
    for key in await store.list_data_keys(uow, environment_id):
        try:
            sealing.open_key(uow, scope, key.id, key.sealed)
        except DecryptionError:
            faults.append(f"The data key {key.id} does not open.")
    altered = [each for each in await store.list_rows(uow, account_id, environment_id) if not await _opens(uow, each)]
    faults += [
        f"Version {each.version} of the {each.scope.kind} {each.name!r} ({each.id}) is altered." for each in altered
    ]
    if not root.intact:
        faults.append("The root of the environment's secrets was altered.")
    elif root.total != await store.sum_rows(uow, environment_id):
        faults.append("A row of a secret, a version or a data key was altered, taken away, added or put back.")
    return list(dict.fromkeys(faults))


async def watch_environment(uow: UnitOfWork, account_id: str, environment_id: str, told: set[str]) -> list[str]:
    """:func:`find_faults`, and an alert of those that are not ``told``; where another process looks, none."""
    if not await uow.claim(f"secrets of {environment_id}"):
        return []
    faults = await find_faults(uow, account_id, environment_id)
    new = [fault for fault in faults if f"{environment_id} {fault}" not in told]
    if new:
        _log.error("secrets.tampered", environment=environment_id, faults=len(new))
        actor, topic = system_actor(account_id, environment_id), "secret:tampered"
        await alerts.raise_alert(uow, actor, topic, environment_id, environment_id=environment_id, faults=new[:_TOLD])
    return faults


async def watch_secrets(db: Database, told: set[str]) -> None:
    """Look through all environments, one after another. ``told`` holds what this process has told of already."""
    for environment_id, account_id in await db.read(store.list_environments, heavy=True):
        work = partial(watch_environment, account_id=account_id, environment_id=environment_id, told=told)
        faults = await db.write(work, bulk=True)
        told |= {f"{environment_id} {fault}" for fault in faults}


async def _opens(uow: UnitOfWork, entry: Entry) -> bool:
    try:
        await sealing.open_entry(uow, entry)
    except DecryptionError:
        return False
    return True
