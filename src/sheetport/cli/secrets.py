"""``sheetport secrets``: the secrets that listeners read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from sheetport.cli.caller import environment_caller
from sheetport.cli.client import Client
from sheetport.cli.dotenv import read_dotenv
from sheetport.cli.errors import CommandError
from sheetport.cli.options import Data, Environment, err, out
from sheetport.cli.secret_input import read_secret

Space = Annotated[
    str | None, typer.Option("--space", metavar="ID", help="Of this space only, before the environment's own.")
]
SecretName = Annotated[str, typer.Argument(metavar="NAME", help="May hold spaces.")]

secrets_app = typer.Typer(
    name="secrets",
    no_args_is_help=True,
    help="Secrets that listeners read with event.secrets(NAME): of an environment, or of one of its spaces.\n\n"
    "    sheetport secrets set EXTERNAL_API_KEY          # asks for the value",
)


class _Scope:
    """The secrets of one environment or space. ``own`` are those set here, not those it inherits."""

    def __init__(self, client: Client, environment_id: str, space_id: str | None) -> None:
        self._client = client
        self._place = {"environmentId": environment_id} | ({"spaceId": space_id} if space_id else {})
        self._space_id = space_id

    def set(self, name: str, value: str) -> None:
        self._client.call("POST", "/v1/secrets", {"name": name, "value": value, **self._place})

    def all(self) -> list[dict[str, Any]]:
        """With inherited ones first, so that the last of a name is in force."""
        return list(self._client.data("GET", "/v1/secrets", params=self._place))

    def own(self) -> list[dict[str, Any]]:
        return [one for one in self.all() if one.get("spaceId") == self._space_id and not one.get("actorId")]

    def delete(self, secret_id: str) -> None:
        self._client.call("DELETE", f"/v1/secrets/{quote(secret_id, safe='')}")


@secrets_app.command("set")
def set_secret(name: SecretName, environment: Environment = None, space: Space = None, data: Data = None) -> None:
    """Store a secret. The value is asked for, or read from standard input.

    sheetport secrets set EXTERNAL_API_KEY

    sheetport secrets set TLS_KEY --environment production < key.pem
    """
    value = read_secret(f"Value of {name}")
    with _scope(environment, space, data) as scope:
        scope.set(name, value)
    err.print(f"{name} is set.", markup=False)


@secrets_app.command("list")
def list_secrets(environment: Environment = None, space: Space = None, data: Data = None) -> None:
    """List names and where each is set; never values. Of a name set twice, the one listed last is in force.

    sheetport secrets list --space us_sp_Ba5Xn1Pq
    """
    with _scope(environment, space, data) as scope:
        for one in scope.all():
            place = f"space {one['spaceId']}" if one.get("spaceId") else f"environment {one.get('environmentId')}"
            out.file.write(f"{one['name']}\t{place}\n")


@secrets_app.command("get")
def get_secret(name: SecretName, environment: Environment = None, space: Space = None, data: Data = None) -> None:
    """Print the value in force. Reading it is recorded in the audit log.

    sheetport secrets get EXTERNAL_API_KEY
    """
    with _scope(environment, space, data) as scope:
        found = [one["value"] for one in scope.all() if one["name"] == name]
    if not found:
        raise CommandError(f"There is no secret named {name!r} here. Set it with: sheetport secrets set '{name}'")
    out.file.write(f"{found[-1]}\n")


@secrets_app.command("delete")
def delete_secret(name: SecretName, environment: Environment = None, space: Space = None, data: Data = None) -> None:
    """Delete a secret of the environment, or with --space that of the space.

    sheetport secrets delete EXTERNAL_API_KEY
    """
    with _scope(environment, space, data) as scope:
        found = [one["id"] for one in scope.own() if one["name"] == name]
        if not found:
            raise CommandError(f"No secret named {name!r} is set here; 'sheetport secrets list' shows where it is.")
        for secret_id in found:
            scope.delete(secret_id)
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
    with _scope(environment, space, data) as scope:
        for done, (name, value) in enumerate(variables.items()):
            try:
                scope.set(name, value)
            except CommandError as error:
                raise CommandError(f"{name} in {file}: {error} The {done} before it are set.") from None
    err.print(f"{len(variables)} secrets are set.", markup=False)


@contextmanager
def _scope(environment: str | None, space: str | None, data: Path | None) -> Iterator[_Scope]:
    with environment_caller(environment, data, "secrets", or_login=True) as caller, caller.client() as client:
        yield _Scope(client, caller.environment_id, space)
