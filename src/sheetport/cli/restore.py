"""``sheetport restore``: puts a backup back, and lists the keys and tokens that came back with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sheetport.cli.errors import CommandError
from sheetport.cli.options import Data, DatabaseUrl, KeyFile, out, progress, settings_of
from sheetport.config import default_key_file
from sheetport.features.setup.model import Lasting
from sheetport.kernel.clock import iso
from sheetport.runtime.restore import Restored
from sheetport.runtime.restore import restore as run_restore
from sheetport.storage.backup.archive import ArchiveError
from sheetport.storage.data_directory import DataDirectoryError
from sheetport.storage.migrations import SchemaError


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What 'sheetport backup' wrote.")],
    data: Data = None,
    key_file: KeyFile = None,
    database_url: DatabaseUrl = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Move the data that is there aside, instead of refusing.")
    ] = False,
) -> None:
    """Put a backup into an empty data directory or PostgreSQL database, whichever of the two it came from.

    File and key are checked before anything is changed. Every sign-in, page session and token that expires ends;
    keys and tokens that do not expire come back and are listed, since some may have been revoked after the backup.

        sheetport restore monday.backup --data sheetport-data --key-file sheetport-data.key
    """
    settings = settings_of(data, key_file, database_url).storage
    try:
        with progress("Restoring:") as say:
            done = run_restore(settings, file, replacing=replace, progress=say)
    except (ArchiveError, DataDirectoryError, SchemaError, OSError) as error:
        raise CommandError(str(error)) from None
    _tell(file, done, str(settings.data))
    _list(done.lasting)
    key = "" if settings.key_file == default_key_file(settings.data) else f" --key-file {settings.key_file}"
    url = "" if settings.database_url is None else " --database-url …"
    out.print(f"Start it with:  sheetport serve --data {settings.data}{key}{url}", markup=False)


def _tell(file: Path, done: Restored, data: str) -> None:
    out.print(
        f"[bold green]Restored[/] {done.manifest.rows:,} rows of {iso(done.manifest.created_at)} from "
        f"{escape(str(file))} (Sheetport {done.manifest.product_version}) into {escape(data)}, and checked them."
    )
    if done.aside is not None:
        out.print(f"What was there before is in {escape(done.aside)}; delete it when you do not need it any more.")
    out.print("Every sign-in, page session and space token of before has ended: people sign in again.")


def _list(lasting: list[Lasting]) -> None:
    """The credentials to look through: what was revoked after the backup works again."""
    rows = [("id", "kind", "name", "environment", "created", "last used")]
    for each in lasting:
        held = each.credential
        used = "never" if held.last_used_at is None else iso(held.last_used_at)[:16]
        kind = held.kind.value.replace("_", " ")
        rows.append((held.id, kind, held.name, each.environment or "all", iso(held.created_at)[:16], used))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    out.print(f"\n{len(lasting)} keys and tokens work as they did then. End those that were revoked since:")
    for row in rows:
        out.print("  ".join(map(str.ljust, row, widths)).rstrip(), markup=False)
    out.print(
        "\nkeys:    DELETE /v1/auth/api-key?environmentId=…&key=ID\ntokens:  sheetport token revoke ID\n", markup=False
    )
