"""Whether an environment's sealed rows are those that were written: none altered, moved, taken away or put back."""

from __future__ import annotations

from sheetport.features.audit import service as audit
from sheetport.features.places import service as places
from sheetport.features.secrets import store
from sheetport.features.secrets.model import Entry, Scope
from sheetport.features.secrets.service import sealing
from sheetport.features.secrets.service.scopes import secret_scope
from sheetport.kernel.actor import Actor
from sheetport.kernel.crypto import DecryptionError
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

_SEQUENCE_BYTES = 8
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


async def _opens(uow: UnitOfWork, entry: Entry) -> bool:
    try:
        await sealing.open_entry(uow, entry)
    except DecryptionError:
        return False
    return True
