"""``sheetport secrets versions``, ``search``, ``reads``, ``verify`` and ``rekey``."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from sheetport.cli.caller import user_caller
from sheetport.cli.errors import CommandError
from sheetport.cli.local_socket import local_socket
from sheetport.cli.options import Data, Environment, err, out, settings_of
from sheetport.cli.secret_scope import SecretName, Space, secret_scope

#: So many records a page, and pages: as far back as a list of the log goes.
_PAGE, _PAGES = 1_000, 10


def versions(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One secret; without it, all that were in force.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Without a NAME: as of then, such as 2027-01-31T12:00:00Z.")
    ] = None,
    environment: Environment = None,
    space: Space = None,
    data: Data = None,
) -> None:
    """List the versions of a secret, newest first, or which version of each was in force at a time; never values.

    sheetport secrets versions EXTERNAL_API_KEY

    sheetport secrets versions --at 2027-01-31T12:00:00Z --environment production
    """
    if name is not None and at is not None:
        raise CommandError("Give NAME for one secret's versions, or --at for all that were in force then, not both.")
    with secret_scope(environment, space, data) as scope:
        if name is None:
            listed = scope.client.data("GET", "/v1/secrets/versions", params=scope.place | ({"at": at} if at else {}))
        else:
            listed = scope.client.data("GET", f"/v1/secrets/{quote(scope.find(name), safe='')}/versions")
    for one in listed:
        out.file.write("\t".join(_columns(one, with_name=name is None)) + "\n")


def search(
    name: Annotated[str, typer.Argument(metavar="NAME", help="* stands for any text; case does not count.")],
    data: Data = None,
) -> None:
    """Find where secrets of a name are set, over all environments; names only.

    sheetport secrets search '*STRIPE*'
    """
    with user_caller(data) as client:
        for one in client.data("GET", "/v1/secrets/search", params={"name": name}):
            place = f"\tspace {one['spaceId']}" if one.get("spaceId") else ""
            out.file.write(f"{one['name']}\tenvironment {one['environmentId']}{place}\n")


def reads(
    name: SecretName,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Not before, such as 2027-01-31.")] = None,
    environment: Environment = None,
    space: Space = None,
    data: Data = None,
) -> None:
    """List who has read a secret, newest first: when, which caller, what it called itself, and from where.

    Looks through the last 10,000 readings of the environment; 'sheetport audit export' has all.

        sheetport secrets reads EXTERNAL_API_KEY --since 2027-01-31
    """
    with secret_scope(environment, space, data) as scope:
        secret_id, environment_id = scope.find(name), scope.place["environmentId"]
    asked = {"action": "secret:read", "environmentId": environment_id, "pageSize": _PAGE} | (
        {"since": since} if since else {}
    )
    with user_caller(data) as client:
        for page in range(1, _PAGES + 1):
            listed = client.data("GET", "/v1/audit", params={**asked, "pageNumber": page})
            for one in listed:
                if any(each["id"] == secret_id for each in (one.get("detail") or {}).get("secrets", ())):
                    out.file.write("\t".join(_reader(one)) + "\n")
            if len(listed) < _PAGE:
                return


def verify(
    environment: Environment = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Take what is there for good from now on: after you have looked into it.")
    ] = False,
    data: Data = None,
) -> None:
    """Look whether stored secrets were altered, taken away or put back behind the server's back; 1 if so.

    Runs beside 'sheetport serve' on the same machine.

        sheetport secrets verify --environment production
    """
    with local_socket(settings_of(data).storage.data) as server:
        faults = server.call("verify-secrets", environment=environment, accept=accept)["faults"]
    for fault in faults:
        err.print(fault, markup=False)
    if accept:
        err.print("The secrets are taken for good as they are now.", markup=False)
    elif faults:
        raise typer.Exit(1)
    else:
        err.print("The secrets are as they were written.", markup=False)


def rekey(environment: Environment = None, data: Data = None) -> None:
    """Seal an environment's secrets and variables under a new data key, while others read and write.

    Runs beside 'sheetport serve' on the same machine. One that was stopped is finished by the server itself.

        sheetport secrets rekey --environment production
    """
    with local_socket(settings_of(data).storage.data) as server:
        server.wait_longer()
        told = server.call("rekey-environment", environment=environment)
    err.print(f"{told['sealed']} values are sealed under {told['key']}.", markup=False)
    if told["stuck"]:
        raise CommandError(f"{told['stuck']} do not open; 'sheetport secrets verify' names them. The old key stays.")


def _reader(record: dict[str, Any]) -> list[str]:
    """Time, caller, what it called itself, label, address; what is not known is left out."""
    detail, personal = record.get("detail") or {}, record.get("personal") or {}
    known = [detail.get("listener"), detail.get("label"), personal.get("src_endpoint.ip")]
    actor = record["actor"]
    return [record["createdAt"], f"{actor['kind']} {actor['id']}", *(each for each in known if each)]


def _columns(one: dict[str, Any], *, with_name: bool) -> list[str]:
    columns = [one["name"]] if with_name else []
    columns += [f"{one['version']}", one["label"], f"since {one.get('currentAt') or one['createdAt']}"]
    return columns + ([f"given out until {one['servedUntil']}"] if one.get("servedUntil") else [])
