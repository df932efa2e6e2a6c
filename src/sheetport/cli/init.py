"""``sheetport init``: set a server up."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.markup import escape

from sheetport.cli.options import Data, DatabaseUrl, KeyFile, fail, out, settings_of
from sheetport.features.auth import service as auth
from sheetport.features.setup import service as setup
from sheetport.kernel.crypto import key_fingerprint
from sheetport.kernel.errors import SheetportError
from sheetport.runtime.set_up import FirstRun, initialise
from sheetport.storage import data_directory
from sheetport.storage.data_directory import DataDirectoryError
from sheetport.storage.migrations import SchemaError


def init(
    email: Annotated[str, typer.Option(help="The first administrator's address.")],
    password: Annotated[str, typer.Option(help="At least 15 characters; '-' reads it from standard input.")],
    data: Data = None,
    key_file: KeyFile = None,
    database_url: DatabaseUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Set a server up: data directory, key file, first account, two environments and their keys.

    The keys are printed once and stored nowhere in clear: copy them now. A second run changes nothing.

        sheetport init --email you@example.com --password 'a long pass phrase'
    """
    settings = settings_of(data, key_file, database_url)
    if password == "-":  # noqa: S105 - the sign for standard input
        password = typer.get_text_stream("stdin").readline().rstrip("\n")
    try:
        made = initialise(settings, email, auth.hash_new_password(password, (email,)))
    except (DataDirectoryError, SchemaError, SheetportError, OSError) as error:
        fail(str(error))
    described = setup.describe(made.result)
    fingerprint = key_fingerprint(data_directory.load_keys(settings.storage).audit_public_key)
    described["auditKey"] = fingerprint
    if as_json:
        out.file.write(json.dumps(described) + "\n")
        return
    _print(made, described, str(settings.storage.data), str(settings.storage.key_file))


def _print(made: FirstRun, described: dict[str, Any], data: str, key_file: str) -> None:
    out.print(f"[bold green]Set up.[/] Data in {escape(data)}, key file {escape(key_file)} (back both up, apart).\n")
    for environment in described["environments"]:
        out.print(f"[bold]{environment['name']}[/]  {environment['id']}")
        out.print(f"  secret key       {environment['secretKey']}")
        out.print(f"  publishable key  {environment['publishableKey']}\n")
    out.print(f"The audit log is signed by the key {described['auditKey']}: note it apart, to verify exports by.\n")
    out.print("These keys are shown this once. Next:  [bold]sheetport serve[/]")
