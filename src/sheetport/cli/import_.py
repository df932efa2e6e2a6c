"""``sheetport import``: a new environment from the files of an export."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from sheetport.cli.options import Data, DatabaseUrl, KeyFile, err, out, progress, settings_of
from sheetport.cli.transfer import as_command_errors, own_database, running_server
from sheetport.features.transfers.schemas import EntryFile
from sheetport.runtime.transfer.files_in import in_files
from sheetport.runtime.transfer.importing import Report, import_environment


def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE.zip|DIR", help="What 'sheetport export' wrote.")],
    name: Annotated[str | None, typer.Option(help="The new environment's name, by default the one it had.")] = None,
    account: Annotated[str | None, typer.Option(help="Name or id of the account, by default the first.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    data: Data = None,
    key_file: KeyFile = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a new environment of an export: all of it, or nothing. Everything gets an id of its own.

    Prints the new environment's keys, once, and the names of secrets to set by hand. Works while the server runs and
    while it does not.

        sheetport import development.zip --name copy
    """
    settings = settings_of(data, key_file, database_url)
    with as_command_errors(), ExitStack() as stack:
        files = in_files(source, stack)
        server = running_server(settings, stack) or own_database(settings, stack, alone=True, with_keys=True)
        with progress("Importing") as tell:
            made = import_environment(files, server, account=account, name=name, progress=tell)
    if as_json:
        out.file.write(json.dumps(_described(made)) + "\n")
        return
    counts = ", ".join(f"{count:,} {noun}" for noun, count in made.counts.items() if count) or "nothing in it"
    out.print(f"[bold green]Made the environment[/] {made.answer['environmentId']} ", end="")
    out.print(f"named {made.name}: {counts}.", markup=False)
    out.print(f"  secret key       {made.answer['secretKey']}")
    out.print(f"  publishable key  {made.answer['publishableKey']}")
    out.print("These keys are shown this once.")
    for remark in made.remarks:
        err.print(f"warning: {remark}", markup=False)
    if made.entries:
        err.print("Values are not exported. Set these by hand:", markup=False)
        for entry in made.entries:
            err.print(f"  {_how_to_set(entry, made.answer['environmentId'])}", markup=False)


def _how_to_set(entry: EntryFile, environment_id: str) -> str:
    """The command that sets a secret or a variable again."""
    name = f"'{entry.name}'"
    if entry.kind == "variable":
        return f"sheetport env set {name} --environment {environment_id}"
    if entry.actor_id is not None:
        return f"POST /v1/secrets: name {name}, actorId {entry.actor_id!r}, spaceId {entry.space_id!r}"
    space = f" --space {entry.space_id}" if entry.space_id else ""
    return f"sheetport secrets set {name} --environment {environment_id}{space}"


def _described(made: Report) -> dict[str, object]:
    return {
        "environmentId": made.answer["environmentId"],
        "name": made.name,
        "secretKey": made.answer["secretKey"],
        "publishableKey": made.answer["publishableKey"],
        "counts": made.counts,
        "remarks": made.remarks,
        "ids": made.ids,
        "toSet": [{"kind": e.kind, "name": e.name, "spaceId": e.space_id, "actorId": e.actor_id} for e in made.entries],
    }
