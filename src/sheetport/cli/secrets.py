"""``sheetport secrets``: the secrets that listeners read."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from sheetport.cli import secret_history as history
from sheetport.cli import secret_rotation as rotation
from sheetport.cli.dotenv import dotenv_text, read_dotenv
from sheetport.cli.errors import CommandError
from sheetport.cli.options import Data, Environment, err, out
from sheetport.cli.secret_input import read_secret
from sheetport.cli.secret_scope import SecretName, Space, secret_scope

#: What readers of .env files take for a name.
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
secrets_app = typer.Typer(
    name="secrets",
    no_args_is_help=True,
    help="Secrets that listeners read with event.secrets(NAME): of an environment, or of one of its spaces.\n\n"
    "    sheetport secrets set EXTERNAL_API_KEY          # asks for the value",
)


@secrets_app.command("set")
def set_secret(name: SecretName, environment: Environment = None, space: Space = None, data: Data = None) -> None:
    """Store a secret. The value is asked for, or read from standard input.

    sheetport secrets set EXTERNAL_API_KEY

    sheetport secrets set TLS_KEY --environment production < key.pem
    """
    value = read_secret(f"Value of {name}")
    with secret_scope(environment, space, data) as scope:
        scope.set(name, value)
    err.print(f"{name} is set.", markup=False)


@secrets_app.command("list")
def list_secrets(environment: Environment = None, space: Space = None, data: Data = None) -> None:
    """List names and where each is set; never values. Of a name set twice, the one listed last is in force.

    sheetport secrets list --space us_sp_Ba5Xn1Pq
    """
    with secret_scope(environment, space, data) as scope:
        for one in scope.all():
            place = f"space {one['spaceId']}" if one.get("spaceId") else f"environment {one.get('environmentId')}"
            out.file.write(f"{one['name']}\t{place}\n")


@secrets_app.command("get")
def get_secret(name: SecretName, environment: Environment = None, space: Space = None, data: Data = None) -> None:
    """Print the value in force. Reading it is recorded in the audit log.

    sheetport secrets get EXTERNAL_API_KEY
    """
    with secret_scope(environment, space, data) as scope:
        found = [one["value"] for one in scope.all() if one["name"] == name]
    if not found:
        raise CommandError(f"There is no secret named {name!r} here. Set it with: sheetport secrets set '{name}'")
    out.file.write(f"{found[-1]}\n")


@secrets_app.command("delete")
def delete_secret(name: SecretName, environment: Environment = None, space: Space = None, data: Data = None) -> None:
    """Delete a secret of the environment, or with --space that of the space.

    sheetport secrets delete EXTERNAL_API_KEY
    """
    with secret_scope(environment, space, data) as scope:
        scope.delete(scope.find(name))
    err.print(f"{name} is deleted.", markup=False)


@secrets_app.command("import")
def import_secrets(
    file: Annotated[Path, typer.Argument(metavar="FILE.env", help="NAME=value, one a line.")],
    environment: Environment = None,
    space: Space = None,
    data: Data = None,
) -> None:
    """Store every variable of a .env file as a secret.

    sheetport secrets import partner.env --environment production
    """
    variables = read_dotenv(file)
    empty = [name for name, value in variables.items() if not value]
    if empty:
        raise CommandError(f"{', '.join(empty)} in {file} has no value; nothing was imported.")
    with secret_scope(environment, space, data) as scope:
        for done, (name, value) in enumerate(variables.items()):
            try:
                scope.set(name, value)
            except CommandError as error:
                raise CommandError(f"{name} in {file}: {error} The {done} before it are set.") from None
    err.print(f"{len(variables)} secrets are set.", markup=False)


@secrets_app.command("export")
def export_secrets(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE.env]", help="A new file that only you can read; without it, output.")
    ] = None,
    environment: Environment = None,
    space: Space = None,
    data: Data = None,
) -> None:
    """Write the secrets in force as a .env file, in the clear. Reading them is recorded in the audit log.

    sheetport secrets export partner.env --environment production
    """
    with secret_scope(environment, space, data) as scope:
        found = {one["name"]: one["value"] for one in scope.all()}
    odd = sorted(name for name in found if not _VARIABLE.fullmatch(name))
    if odd:
        names = ", ".join(map(repr, odd))
        raise CommandError(f"No .env file can hold {names}: a name is letters, digits and underscores.")
    if file is None:
        out.file.write(dotenv_text(found))
        return
    try:
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as written:
            written.write(dotenv_text(found))
    except FileExistsError:
        raise CommandError(f"{file} is there already; choose another name or delete it.") from None
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}.") from None
    err.print(f"{len(found)} secrets are in {file}, in the clear.", markup=False)


for _name, _command in (
    ("rotate", rotation.rotate),
    ("promote", rotation.promote),
    ("rollback", rotation.rollback),
    ("schedule", rotation.schedule),
    ("versions", history.versions),
    ("search", history.search),
    ("reads", history.reads),
    ("verify", history.verify),
    ("rekey", history.rekey),
):
    secrets_app.command(_name)(_command)
