"""``sheetport export``: one environment as files that need no server to be read."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from sheetport.cli.options import Data, DatabaseUrl, Environment, err, progress, settings_of
from sheetport.cli.transfer import as_command_errors, own_database, running_server
from sheetport.kernel.actor import system_actor
from sheetport.runtime.transfer.exporting import export_environment
from sheetport.storage import data_directory


def export(
    target: Annotated[Path, typer.Argument(metavar="FILE.zip|DIR", help="A new zip file, or a new folder.")],
    environment: Environment = None,
    account: Annotated[str | None, typer.Option(help="Name or id of the account, by default the first.")] = None,
    with_events: Annotated[bool, typer.Option("--with-events", help="The event log too, as events.jsonl.")] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write an environment to open files: JSON, and CSV of every sheet. Keys and the values of secrets stay here.

    Works while the server runs and while it does not. Two exports of the same data are the same bytes.

        sheetport export development.zip

        sheetport export --environment production --with-events production/
    """
    settings = settings_of(data, None, database_url)
    data_directory.keep_private()  # an export holds what the database does
    with as_command_errors(), ExitStack() as stack:
        server = running_server(settings, stack)
        own = own_database(settings, stack, alone=server is None, with_keys=False)
        begun = (server or own).call("begin-export", account=account, environment=environment)
        actor = system_actor(begun["accountId"], begun["environmentId"])
        with progress("Exporting") as tell:
            manifest = export_environment(
                own.read, actor, begun["environmentId"], target, with_events=with_events, progress=tell
            )
    counts = ", ".join(f"{count:,} {noun}" for noun, count in manifest["counts"].items() if count) or "nothing in it"
    err.print(f"Exported {begun['environment']} ({begun['environmentId']}) to {target}: {counts}.", markup=False)
    changed = manifest["changedDuringExport"]
    if changed:
        err.print(
            f"warning: {len(changed)} sheets were written all the while, so their records are not of one instant: "
            f"{', '.join(changed)}",
            markup=False,
        )
