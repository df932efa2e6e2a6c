"""Rotating the key-encryption key of a running server, and finishing what a process that died had begun.

The order is what makes it safe to be killed anywhere: the key file has the new key before the database says that it
is in force, data keys are sealed under it after that, and the file loses the old key when no data key needs it. On
several hosts each has a key file of its own: ``prepare`` adds the key to one, which is copied to all, before it is
put in force.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from sheetport.config import StorageSettings
from sheetport.features.audit import service as audit
from sheetport.features.factors import service as factors
from sheetport.features.mail import service as mail
from sheetport.features.secrets import service as secrets
from sheetport.features.sso import service as sso
from sheetport.features.webhooks import service as webhooks
from sheetport.kernel.crypto import DecryptionError, KeyRing
from sheetport.kernel.errors import Conflict, Unavailable
from sheetport.kernel.killpoints import kill_point
from sheetport.runtime.choosing import find_administrator
from sheetport.runtime.set_up import newest_keys
from sheetport.storage import data_directory, identity
from sheetport.storage.data_directory import DataDirectoryError
from sheetport.storage.unit_of_work import Database, UnitOfWork

#: So many mails are sealed anew in one transaction.
_AT_ONCE = 100
#: Tenths of a second for which the key file is waited for.
_PATIENCE = 100
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Rotated:
    """``kek_id`` is the new key; ``in_force`` is False where it was only prepared; ``stuck`` counts data keys that do
    not open; ``dropped`` are the old keys that the file does not hold any more."""

    kek_id: str
    in_force: bool
    stuck: int = 0
    dropped: tuple[str, ...] = ()


class KeyRotation:
    """The key file of this host, as the database needs it."""

    def __init__(self, db: Database, storage: StorageSettings) -> None:
        self._db = db
        self._storage = storage
        self._stamp: tuple[int, int] | None = None
        db.on_outdated_keys(self.renew)

    async def renew(self) -> None:
        """Read the key file again: another process may have changed it. A file that cannot be read changes nothing."""
        try:
            keys = await self._read()
        except DataDirectoryError as error:
            _log.warning("keys.not-read", reason=str(error))
            return
        self._db.keys = await newest_keys(self._db, keys)

    async def rotate(self, *, prepare: bool = False) -> Rotated:
        """Make a key-encryption key and put it in force, or with ``prepare`` only into the file.

        One that was prepared is put in force instead of making another. Raises Unavailable and Conflict.
        """
        for _ in range(_PATIENCE):
            with data_directory.held_keys(self._storage) as held:
                if held:
                    return await self._rotate(prepare)
            await asyncio.sleep(0.1)  # another process of this machine reads or changes the file
        raise Conflict("Another process is rotating the key-encryption key; wait for it.", "keyFile")

    async def _rotate(self, prepare: bool) -> Rotated:
        try:
            keys = await self._read()
            newest = list(keys.keks)[-1]
            if newest == keys.current_kek:
                keys = keys.with_kek()
                newest = list(keys.keks)[-1]
            elif prepare:
                raise Conflict(f"{newest} is prepared already: copy the key file to every host.", "keyFile")
            if prepare:
                await self._write(keys)
                return Rotated(newest, in_force=False)
            keys = keys.using(newest)
            await self._write(keys)
        except DataDirectoryError as error:
            raise Unavailable(str(error), "keyFile") from None
        kill_point("keys.before-current")
        return await self._finish(keys)

    async def resume(self) -> None:
        """Finish a rotation that this host's key file and the database show to be under way."""
        stamp = self._stamp_of_file()
        if stamp is None or (stamp == self._stamp and await self._is_followed()):
            return
        with data_directory.held_keys(self._storage) as held:
            if not held:
                return
            keys = await self._read()
            in_force = await self._db.read(identity.find_kek)
            keys = keys.using(keys.newer_kek(keys.current_kek, in_force))
            older = list(keys.keks)[: list(keys.keks).index(keys.current_kek)]
            if older or in_force not in {None, keys.current_kek}:
                await self._finish(keys)
            else:
                self._db.keys = await newest_keys(self._db, keys)
            self._stamp = self._stamp_of_file()

    async def _is_followed(self) -> bool:
        """Whether this process seals under the key in force."""
        return await self._db.read(identity.find_kek) in {None, self._db.keys.current_kek}

    async def _finish(self, keys: KeyRing) -> Rotated:
        """Put the ring's key in force, have every data key sealed under it, and drop the older keys."""
        kek_id = keys.current_kek
        if await self._db.read(identity.find_kek) != kek_id:
            await self._db.write(lambda uow: _put_in_force(uow, kek_id))
        self._db.keys = await newest_keys(self._db, keys)
        stuck = await secrets.rewrap_data_keys(self._db) + await self._reseal_others()
        in_use = set(keys.keks) if stuck else await self._db.read(secrets.list_keks_in_use)
        order = list(keys.keks)
        prepared = order[order.index(kek_id) + 1 :]
        kept = keys.only([*in_use, *prepared])
        dropped = tuple(name for name in order if name not in kept.keks)
        kill_point("keys.before-drop")
        if dropped:
            await self._write(kept)
            self._db.keys = await newest_keys(self._db, kept)
            await self._db.write(lambda uow: _record_dropped(uow, dropped))
        return Rotated(kek_id, in_force=True, stuck=stuck, dropped=dropped)

    async def _reseal_others(self) -> int:
        """Seal what lies under the key-encryption key beside data keys; 1 if some of it does not open."""
        try:
            while await self._db.write(factors.reseal_totp):
                continue
            while await self._db.write(sso.reseal_secrets):
                continue
            while await self._db.write(webhooks.reseal_keys):
                continue
            while await self._db.write(lambda uow: mail.reseal_mails(uow, _AT_ONCE)):
                continue
        except DecryptionError:
            _log.warning("keys.not-resealed", reason="a second factor or a mail does not open under any key")
            return 1
        return 0

    async def _read(self) -> KeyRing:
        return await asyncio.to_thread(data_directory.load_keys, self._storage)

    async def _write(self, keys: KeyRing) -> None:
        await asyncio.to_thread(data_directory.replace_keys, self._storage, keys)

    def _stamp_of_file(self) -> tuple[int, int] | None:
        try:
            found = self._storage.key_file.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns


async def _put_in_force(uow: UnitOfWork, kek_id: str) -> None:
    await identity.set_kek(uow, kek_id)
    actor = await find_administrator(uow, None)
    await audit.record(uow, actor, "key-encryption-key:rotate", kek_id)


async def _record_dropped(uow: UnitOfWork, dropped: tuple[str, ...]) -> None:
    actor = await find_administrator(uow, None)
    for kek_id in dropped:
        await audit.record(uow, actor, "key-encryption-key:delete", kek_id)
