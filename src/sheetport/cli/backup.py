"""``sheetport backup``: one file with all data of a server, running or not."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sheetport.cli.errors import CommandError
from sheetport.cli.options import Data, DatabaseUrl, out, progress, settings_of
from sheetport.storage import data_directory
from sheetport.storage.backup.archive import ArchiveError
from sheetport.storage.backup.write import write_backup
from sheetport.storage.migrations import SchemaError

#: The server beside this command comes first.
NICENESS = 10


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file; it is there only once it is whole.")],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write all data, as it is at one instant, to a new file. The server may run meanwhile, or not.

    The file opens only with the server's key file, which is not in it: keep that apart.

        sheetport backup /backups/monday.backup
    """
    settings = settings_of(data, None, database_url)
    data_directory.keep_private()
    os.nice(NICENESS)
    began = time.monotonic()
    try:
        with progress("Backing up:") as say:
            made = write_backup(settings.storage, file, say)
    except (ArchiveError, SchemaError) as error:
        raise CommandError(str(error)) from None
    size = file.stat().st_size / 1_000_000
    out.print(
        f"Backed up {made.rows:,} rows to {escape(str(file))} ({size:,.1f} MB, {time.monotonic() - began:.1f} s), "
        "and read them again. The key file is not in it: keep a copy apart."
    )
