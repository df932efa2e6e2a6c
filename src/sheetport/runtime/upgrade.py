"""Brings a database of an older version up to date, with a backup first."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from sheetport.config import StorageSettings
from sheetport.kernel.crypto import KeyRing
from sheetport.storage.backup.archive import ArchiveError
from sheetport.storage.backup.postgresql import database_size
from sheetport.storage.backup.write import write_backup
from sheetport.storage.identity import FOREIGN_KEY, WrongKeyError
from sheetport.storage.migrations import HEAD, Schema, SchemaError, migrate, read_schema, upgrade_lock

#: Backups before upgrades that are kept in the folder.
KEPT = 3
#: A larger PostgreSQL database has backups of its own: a start should not take an hour.
POSTGRESQL_BOUND = 1024**3


def bring_up_to_date(settings: StorageSettings, say: Callable[[str], None], keys: KeyRing | None = None) -> None:
    """Make the schema this version's; what was done is told to ``say``, a sentence each.

    Raises SchemaError, and WrongKeyError for keys that are not the database's, having changed nothing.

    An older database is backed up first, unless the settings say otherwise. Of several processes that start at once
    one does the work and the others wait. A newer schema is left as it is, if it says that this version still works.
    """
    schema = read_schema(settings)
    schema.require_usable()
    if schema.is_newer:
        say(f"The database has schema {schema.revision} of a newer version, which this version may still use.")
    if schema.revision == HEAD or schema.is_newer:
        return
    with upgrade_lock(settings):
        schema = read_schema(settings)
        if keys is not None and schema.key_check not in {None, keys.check_value()}:
            raise WrongKeyError(FOREIGN_KEY)
        if schema.is_behind and schema.key_check is not None:
            say(f"Upgrading the schema from {schema.revision} to {HEAD}. {_back_up(settings, schema)}")
        migrate(settings)


def _back_up(settings: StorageSettings, schema: Schema) -> str:
    """A sentence on the backup. Raises SchemaError when there should be one and cannot."""
    folder = settings.backups
    if folder is None:
        return "No backup was made before it: SHEETPORT_BACKUPS is off."
    _require_small(settings)
    file = folder / f"before-{schema.revision}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.backup"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_backup(settings, file, lambda _: None)
    except (ArchiveError, OSError) as error:
        raise SchemaError(
            f"No backup before the upgrade could be made ({error}); nothing was changed. Name a folder for it with "
            "SHEETPORT_BACKUPS, or set that to off when you have a backup of your own."
        ) from None
    for old in sorted(folder.glob("before-*.backup"), key=_made)[:-KEPT]:
        old.unlink()
    return f"The backup of before is {file}."


def _require_small(settings: StorageSettings) -> None:
    if settings.database_url is None:
        return
    size = database_size(settings.database_url)
    if size > POSTGRESQL_BOUND:
        raise SchemaError(
            f"This database has {size / 1024**3:.1f} GB, too much to back up at a start; nothing was changed. Back it "
            "up ('sheetport backup FILE', or your own way), then set SHEETPORT_BACKUPS=off for this start."
        )


def _made(file: Path) -> float:
    return file.stat().st_mtime
