"""``sheetport clients``: client credentials, an id and a secret that are exchanged for access tokens."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from sheetport.cli import credentials as shared
from sheetport.cli.caller import user_caller
from sheetport.cli.credentials import CREDENTIALS, All, AsJson, fetch_all
from sheetport.cli.options import Data, err, out

_PATH = "/v1/users/me/api-token"
OfEnvironment = Annotated[
    str | None, typer.Option("--environment", "-e", metavar="ID", help="For this environment only.")
]

clients_app = typer.Typer(
    name="clients",
    no_args_is_help=True,
    help="Client credentials: an id and a secret that a program exchanges for access tokens.\n\n"
    "    sheetport clients create --name 'nightly import'",
)


@clients_app.command("list")
def list_clients(everything: All = False, as_json: AsJson = False, data: Data = None) -> None:
    """List client credentials: what each may do, who made it, when it was used.

    sheetport clients list
    """
    with user_caller(data) as client:
        listed = fetch_all(client, CREDENTIALS, kind="client", state="all" if everything else "live")
    shared.show(listed, as_json=as_json)


@clients_app.command("create")
def create_client(
    name: shared.Name,
    environment: OfEnvironment = None,
    expires: shared.Expires = None,
    space: shared.Space = None,
    workbook: shared.Workbook = None,
    read_only: shared.ReadOnly = False,
    allow_ip: shared.AllowIp = None,
    route: shared.Route = None,
    data: Data = None,
) -> None:
    """Make client credentials and print the id and the secret, which is shown this once.

    sheetport clients create --name 'nightly import' --expires 90d
    """
    body = shared.scope_of(name, expires, space, workbook, read_only, allow_ip, route)
    with user_caller(data) as client:
        tenant = client.data("GET", "/v1/accounts/current")["id"]
        made = client.data("POST", _PATH, {**body, "environmentId": environment}, {"tenantId": tenant})
    out.file.write(f"{made['clientId']}\n{made['secret']}\n")
    err.print("The client id, and below it the secret, shown this once.", markup=False)


@clients_app.command("rotate")
def rotate_client(
    client_id: shared.Id, overlap: shared.Overlap = "24h", again: shared.Again = None, data: Data = None
) -> None:
    """Replace client credentials and print the new id and secret. The old ones stay good for the overlap.

    sheetport clients rotate us_cli_Ba5Xn1Pq --overlap 7d
    """
    with user_caller(data) as client:
        new = shared.rotate(client, f"{_PATH}/{quote(client_id, safe='')}/rotate", overlap, again)
    if new.get("secret"):
        out.file.write(f"{new['clientId']}\n")
    shared.show_rotated(new["clientId"], new.get("secret"), overlap)


@clients_app.command("revoke")
def revoke_client(client_id: shared.Id, data: Data = None) -> None:
    """Revoke client credentials, with every access token they were exchanged for.

    sheetport clients revoke us_cli_Ba5Xn1Pq
    """
    with user_caller(data) as client:
        shared.revoke(client, client_id)
