"""New keys for what is sealed: another data key for an environment, another key-encryption key for all data keys.

Both go on in batches while others read and write, and whoever is killed in the middle has lost nothing: which rows
are still under an older key is seen from the rows. An older key goes when no row is under it any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import structlog

from sheetport.features.audit import service as audit
from sheetport.features.mail import service as mail
from sheetport.features.secrets import store
from sheetport.features.secrets.model import DataKey, Entry, Scope
from sheetport.features.secrets.service import sealing
from sheetport.features.secrets.service.scopes import secret_scope
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.crypto import DecryptionError, Sealed
from sheetport.kernel.killpoints import kill_point
from sheetport.kernel.permissions import Permission, require
from sheetport.storage import identity
from sheetport.storage.unit_of_work import Database, UnitOfWork

BATCH = 100
#: The secret's id and version behind which a batch goes on.
Cursor = tuple[str, int]
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Progress:
    """How many rows were sealed anew, and how many did not open."""

    done: int = 0
    stuck: int = 0


async def begin_rekey(uow: UnitOfWork, actor: Actor, wanted: str | None) -> tuple[str, str, str]:
    """Make a data key by which an environment's values are sealed from now on; its id, the account, the environment.

    The values that are there follow by :func:`rekey_environment`. Where that is under way, it goes on with its key.
    Raises NotFound, and Invalid when the caller has to say which environment.
    """
    actor = require(actor, Permission.SECRET_WRITE)
    scope = await secret_scope(uow, actor, wanted, None, None)
    environment_id, account_id = scope.environment_id, scope.account_id
    root = await store.lock_root(uow, environment_id)
    known = await store.list_data_keys(uow, environment_id)
    if len(known) > 1:
        return known[0].id, account_id, environment_id
    number = 1 + max((int(key.id.removeprefix("dk_")) for key in known), default=0)
    key_id, newest = f"dk_{number}", max((key.created_at for key in known), default=0)
    await sealing.add_data_key(uow, scope, key_id, max(uow.now, newest + 1))
    await store.settle_root(uow, root)
    await audit.record(uow, actor, "data-key:create", environment_id, environment_id=environment_id, key=key_id)
    return key_id, account_id, environment_id


async def rekey_environment(db: Database, account_id: str, environment_id: str) -> Progress:
    """Seal every value of an environment under its newest data key, some at a time, and drop the older keys."""
    total = Progress()
    for batch in (rekey_entries, rekey_versions):
        after: Cursor | None = ("", 0)
        while after is not None:
            step, after = await db.write(
                partial(batch, account_id=account_id, environment_id=environment_id, after=after)
            )
            total = Progress(total.done + step.done, total.stuck + step.stuck)
    await db.write(lambda uow: drop_older_keys(uow, account_id, environment_id))
    return total


async def resume_rekeys(db: Database) -> None:
    """Finish what somebody began: every environment that has more than one data key."""
    for environment_id, account_id in await db.read(store.list_superseded_keys, heavy=True):
        await rekey_environment(db, account_id, environment_id)


async def rewrap_data_keys(db: Database) -> int:
    """Seal every data key, those of mails too, under the key-encryption key in force; how many did not open."""
    after, stuck = "", 0
    while True:
        step, last = await db.write(partial(rewrap_batch, after=after))
        stuck += step.stuck
        if last is None:
            break
        after = last
    while await db.write(partial(mail.reseal_mails, most=BATCH)) == BATCH:
        continue
    return stuck


async def rekey_entries(
    uow: UnitOfWork, account_id: str, environment_id: str, after: Cursor
) -> tuple[Progress, Cursor | None]:
    """Seal the next values in force anew. Returns how it went and where to go on, None at the end."""
    root, scope = await store.lock_root(uow, environment_id), Scope(account_id, environment_id)
    data_key, stuck = await sealing.key_to_seal(uow, scope), 0
    found = await store.list_under_other_keys(uow, account_id, environment_id, data_key.id, after[0], BATCH)
    for entry in found:
        sealed = await _resealed(uow, data_key, entry)
        if sealed is None:
            stuck += 1
        else:
            await store.reseal_entry(uow, entry, sealed)
    await store.settle_root(uow, root)
    kill_point("secrets.before-rekeyed")
    return Progress(len(found) - stuck, stuck), (found[-1].id, 0) if len(found) == BATCH else None


async def rekey_versions(
    uow: UnitOfWork, account_id: str, environment_id: str, after: Cursor
) -> tuple[Progress, Cursor | None]:
    """:func:`rekey_entries` for the versions."""
    root, scope = await store.lock_root(uow, environment_id), Scope(account_id, environment_id)
    data_key, stuck = await sealing.key_to_seal(uow, scope), 0
    found = await store.list_versions_under_other_keys(uow, account_id, environment_id, data_key.id, after, BATCH)
    for one in found:
        sealed = Sealed(data_key.id, b"", b"") if one.is_wiped else None
        if sealed is None and (entry := await _resealed(uow, data_key, one.entry)) is not None:
            sealed = entry.sealed
        if sealed is None:
            stuck += 1
        else:
            await store.update_version(uow, one, replace(one, sealed=sealed))
    await store.settle_root(uow, root)
    kill_point("secrets.before-rekeyed")
    last = (found[-1].secret_id, found[-1].version) if len(found) == BATCH else None
    return Progress(len(found) - stuck, stuck), last


async def drop_older_keys(uow: UnitOfWork, account_id: str, environment_id: str) -> list[str]:
    """Drop an environment's data keys that nothing is sealed under any more, but for the newest; their ids."""
    root = await store.lock_root(uow, environment_id)
    dropped = []
    for key in (await store.list_data_keys(uow, environment_id))[1:]:
        if not await store.is_in_use(uow, environment_id, key.id):
            await store.delete_data_key(uow, key)
            dropped.append(key.id)
    await store.settle_root(uow, root)
    actor = system_actor(account_id, environment_id)
    for key_id in dropped:
        await audit.record(uow, actor, "data-key:delete", environment_id, key=key_id)
    return dropped


async def rewrap_batch(uow: UnitOfWork, after: str) -> tuple[Progress, str | None]:
    """Seal the data keys of the next environments under this process's key-encryption key, which must be in force."""
    await identity.require_current_kek(uow)
    found = await store.list_under_other_keks(uow, uow.keys.current_kek, after, BATCH)
    done = stuck = 0
    for environment_id, account_id in found:
        root, scope = await store.lock_root(uow, environment_id), Scope(account_id, environment_id)
        for key in await store.list_data_keys(uow, environment_id):
            if key.sealed.key_id == uow.keys.current_kek:
                continue
            try:
                sealed = uow.keys.rewrap_data_key(key.sealed, *sealing.key_context(scope, key.id))
            except DecryptionError:
                _log.warning("secrets.data-key-does-not-open", environment=environment_id, key=key.id)
                stuck += 1
                continue
            await store.reseal_data_key(uow, key, sealed)
            done += 1
        await store.settle_root(uow, root)
    kill_point("secrets.before-rewrapped")
    return Progress(done, stuck), found[-1][0] if len(found) == BATCH else None


async def list_keks_in_use(uow: UnitOfWork) -> set[str]:
    """The key-encryption keys that some data key is sealed under."""
    return await store.list_keks(uow)


async def _resealed(uow: UnitOfWork, data_key: DataKey, entry: Entry) -> Entry | None:
    """The entry under another data key; None, and a line in the log, when it does not open."""
    try:
        return sealing.seal_entry(data_key, entry, await sealing.open_entry(uow, entry))
    except DecryptionError:
        _log.warning("secrets.does-not-open", kind=entry.scope.kind, id=entry.id)
        return None
