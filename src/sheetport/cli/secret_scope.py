"""The secrets of one environment or space, as the commands of ``sheetport secrets`` see them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from sheetport.cli.caller import environment_caller
from sheetport.cli.client import Client
from sheetport.cli.errors import CommandError

Space = Annotated[
    str | None, typer.Option("--space", metavar="ID", help="Of this space only, before the environment's own.")
]
SecretName = Annotated[str, typer.Argument(metavar="NAME", help="May hold spaces.")]


class SecretScope:
    """The secrets of one environment or space. ``own`` are those set here, not those it inherits."""

    def __init__(self, client: Client, environment_id: str, space_id: str | None) -> None:
        self.client = client
        self.place = {"environmentId": environment_id} | ({"spaceId": space_id} if space_id else {})
        self._space_id = space_id

    def set(self, name: str, value: str) -> None:
        self.client.call("POST", "/v1/secrets", {"name": name, "value": value, **self.place})

    def all(self) -> list[dict[str, Any]]:
        """With inherited ones first, so that the last of a name is in force."""
        return list(self.client.data("GET", "/v1/secrets", params=self.place))

    def own(self) -> list[dict[str, Any]]:
        return [one for one in self.all() if one.get("spaceId") == self._space_id and not one.get("actorId")]

    def delete(self, secret_id: str) -> None:
        self.client.call("DELETE", f"/v1/secrets/{quote(secret_id, safe='')}")

    def find(self, name: str) -> str:
        """The id of the secret of this name that is set here. Raises CommandError."""
        found = [one["id"] for one in self._names() if one["name"] == name]
        if not found:
            raise CommandError(f"No secret named {name!r} is set here; 'sheetport secrets list' shows where it is.")
        return str(found[-1])

    def _names(self) -> list[dict[str, Any]]:
        """What is set here, without values: finding an id is no reading of a secret."""
        listed = self.client.data("GET", "/v1/secrets/versions", params=self.place)
        own = [one for one in listed if one.get("spaceId") == self._space_id and not one.get("actorId")]
        return [{"id": one["secretId"], "name": one["name"]} for one in own]


@contextmanager
def secret_scope(environment: str | None, space: str | None, data: Path | None) -> Iterator[SecretScope]:
    with environment_caller(environment, data, "secrets", or_login=True) as caller, caller.client() as client:
        yield SecretScope(client, caller.environment_id, space)
