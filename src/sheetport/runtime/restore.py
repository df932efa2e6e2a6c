"""Puts a backup in place of nothing, or of what is moved aside, and raises the security epoch.

Everything is made in a folder ``restoring`` of the data directory, which goes last: while it is there no server
starts, so that a restore that was killed is neither served by half nor taken for an empty directory.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from sheetport.config import StorageSettings
from sheetport.features.audit import service as audit
from sheetport.features.secrets import service as secrets
from sheetport.features.setup import service as setup
from sheetport.features.setup.model import Lasting
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.killpoints import kill_point
from sheetport.storage import data_directory, identity
from sheetport.storage.backup.archive import ArchiveError, Manifest, Progress, read_archive, sync_folder
from sheetport.storage.backup.fill import fill_database
from sheetport.storage.data_directory import RESTORING_FOLDER
from sheetport.storage.engine import log_path, open_database, sqlite_path
from sheetport.storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back; ``aside`` says where what was there before is now, None when nothing was."""

    manifest: Manifest
    lasting: list[Lasting]
    aside: str | None


def restore(settings: StorageSettings, file: Path, *, replacing: bool, progress: Progress) -> Restored:
    """Restore a backup of either database into the one of the settings, which must be empty unless ``replacing``.

    File and key are checked before anything is changed; a failure leaves what was there. Raises ArchiveError,
    DataDirectoryError and SchemaError.
    """
    manifest = read_archive(file, progress)
    keys = data_directory.load_keys(settings)
    if keys.check_value() != manifest.key_check:
        raise ArchiveError(
            f"The key file {settings.key_file} does not open this backup: it belongs to another server. Nothing was "
            "changed. Give the key file that lay beside the data when the backup was made."
        )
    aside = f"before_restore_{time.strftime('%Y%m%d_%H%M%S', time.gmtime())}" if replacing else None
    replaced = data_directory.is_used(settings)
    with _place(settings, aside) as staging:
        moved_tables = fill_database(staging, file, manifest, progress, aside)
        kill_point("restore.before-end")
        lasting = asyncio.run(_end(staging, keys, manifest))
    if settings.database_url is not None:
        return Restored(manifest, lasting, f"the schema {aside}" if moved_tables else None)
    return Restored(manifest, lasting, str(settings.data / aside) if aside and replaced else None)


@contextmanager
def _place(settings: StorageSettings, aside: str | None) -> Iterator[StorageSettings]:
    """The place to restore into, held against servers: taken away when the restore fails, installed when it ends."""
    data_directory.keep_private()
    data, folder = settings.data, settings.data / RESTORING_FOLDER
    on_sqlite = settings.database_url is None
    if on_sqlite and data_directory.is_used(settings) and aside is None:
        raise ArchiveError(
            f"{data} already holds a server's data; nothing was changed. Give an empty directory, or --replace to "
            "move that data aside."
        )
    new = not data.exists()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with data_directory.locked(data) if on_sqlite else nullcontext():
        shutil.rmtree(folder, ignore_errors=True)  # of a restore that was killed
        folder.mkdir(mode=0o700)
        sync_folder(data)
        try:
            yield replace(settings, data=folder) if on_sqlite else settings
        except BaseException:
            shutil.rmtree(data if new else folder)
            raise
        _install(settings, folder, aside if on_sqlite else None)


async def _end(staging: StorageSettings, keys: KeyRing, manifest: Manifest) -> list[Lasting]:
    """Raise the epoch and end what must not outlive the restore; from here a server accepts the database."""

    async def end(uow: UnitOfWork) -> list[Lasting]:
        missing = sorted(await secrets.list_keks_in_use(uow) - keys.keks.keys())
        if missing:
            raise ArchiveError(
                f"The key file does not hold {', '.join(missing)}, which this backup needs: it was rotated "
                "since. Nothing was changed. Give the copy of the key file from when the backup was made."
            )
        await identity.end_restore(uow)
        return await setup.end_restore(uow, manifest.created_at)

    db = await open_database(staging, keys)
    try:
        lasting = await db.write(end)
        if staging.audit_anchor is not None:
            await audit.anchor(db, staging.audit_anchor, secrets.list_secret_roots)
        return lasting
    finally:
        await db.close()


def _install(settings: StorageSettings, made: Path, aside: str | None) -> None:
    """Move what was there aside and a database made in a folder to its place, and let servers start."""
    kill_point("restore.before-move")
    if settings.database_url is None:
        if aside is not None and data_directory.is_used(settings):
            data_directory.move_aside(settings, settings.data / aside)
        log_path(made).rename(log_path(settings.data))
        sqlite_path(made).rename(sqlite_path(settings.data))
    if not data_directory.is_initialised(settings):
        data_directory.mark_initialised(settings)
    sync_folder(settings.data)
    kill_point("restore.before-open")
    shutil.rmtree(made)
    sync_folder(settings.data)
