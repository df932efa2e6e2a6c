"""``sheetport login``, ``logout`` and ``token``: acting as a user."""

from __future__ import annotations

import os
from typing import Annotated
from urllib.parse import quote, urlsplit

import typer

from sheetport.cli import credentials as shared
from sheetport.cli.caller import DEFAULT_URL, base_url, user_caller
from sheetport.cli.client import LOOPBACK, CallError, Client
from sheetport.cli.clients import OfEnvironment
from sheetport.cli.device_login import sign_in_by_code
from sheetport.cli.durations import seconds_of
from sheetport.cli.login_file import Login, delete_login, read_login, write_login
from sheetport.cli.options import Data, err, out
from sheetport.cli.secret_input import read_secret

_TOKENS = "/v1/auth/personal-access-tokens"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a token type

token_app = typer.Typer(
    name="token",
    no_args_is_help=True,
    help="Personal access tokens: they act as you, in every environment.\n\n"
    "    sheetport token create --name 'nightly import'",
)


def login(
    email: Annotated[str | None, typer.Option(help="Sign in by this address and a password instead.")] = None,
    url: Annotated[
        str,
        typer.Option("--url", "--server", envvar="FLATFILE_API_URL", show_envvar=False, help="The server's address."),
    ] = DEFAULT_URL,
) -> None:
    """Sign in; the sign-in is kept in a file that only you can read.

    Shows a code to enter in a browser, on this or any device, where you sign in as ever, with a second factor too.
    With --email a password is asked for, or read from standard input; such a sign-in lasts for 24 hours.

        sheetport login --url https://data.example.com

        sheetport login --url https://data.example.com --email you@example.com
    """
    url = base_url(url)
    if urlsplit(url).scheme == "http" and urlsplit(url).hostname not in LOOPBACK:
        sent = "password" if email else "token"
        err.print(f"[yellow]warning:[/] http:// sends your {sent} in the clear; use https:// if the server has it.")
    done = _sign_in_by_password(url, email) if email else sign_in_by_code(url)
    path = write_login(done)
    err.print(f"Signed in to {url} as {done.email}, until {done.expires} ({path}).", markup=False)


def _sign_in_by_password(url: str, email: str) -> Login:
    password = read_secret("Password")
    with Client(url) as client:
        answer = client.call("POST", "/v1/auth", {"email": email, "password": password})
    with Client(url, answer["accessToken"]) as client:
        newest = max(client.data("GET", _TOKENS), key=lambda one: str(one["createdAt"]))
    return Login(url, email, answer["accessToken"], newest["id"], answer["expires"])


def logout() -> None:
    """Sign out: end the stored sign-in on the server and delete it here.

    sheetport logout
    """
    stored = read_login()
    existed = delete_login()
    if stored is not None:
        try:
            with Client(stored.url) as client:
                client.call("POST", "/v1/oauth/revoke", {"token": stored.token})
        except CallError as error:
            err.print(f"warning: it could not be ended on the server and lasts until {stored.expires}: {error}")
    err.print("Signed out." if existed else "You were not signed in.")


@token_app.command("create")
def create_token(
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
    """Make a personal access token and print it. It is shown this once.

    sheetport token create --name 'nightly import' --expires 90d
    """
    body = shared.scope_of(name, expires, space, workbook, read_only, allow_ip, route)
    with user_caller(data) as client:
        made = client.data("POST", _TOKENS, {**body, "environmentId": environment})
    out.file.write(f"{made['token']}\n")
    err.print(f"Shown this once. Its id is {made['personalAccessToken']['id']}.", markup=False)


@token_app.command("narrow")
def narrow_token(
    to: Annotated[str | None, typer.Option(metavar="ID", help="An environment, space, workbook or sheet.")] = None,
    permission: Annotated[list[str] | None, typer.Option(metavar="P", help="Such as record:read; repeated.")] = None,
    expires: Annotated[str, typer.Option(metavar="SPAN", help="Such as 15m; it never outlives the token read.")] = "1h",
    url: Annotated[str | None, typer.Option(help="The server, by default FLATFILE_API_URL.")] = None,
) -> None:
    """Read a key or token from standard input and print one that may do less. It is shown this once.

    sheetport token narrow --to us_sh_Ba5Xn1Pq --permission record:read --expires 15m < key.txt
    """
    fields = {"grant_type": _EXCHANGE, "subject_token_type": _ACCESS_TOKEN, "subject_token": read_secret("Token")}
    fields |= {"expires_in": str(seconds_of(expires, "--expires")), "scope": " ".join(permission or ())}
    fields |= {"audience": to} if to else {}
    with Client(base_url(url or os.environ.get("FLATFILE_API_URL"))) as client:
        answer = client.call("POST", "/v1/oauth/token", fields)
    out.file.write(f"{answer['access_token']}\n")
    err.print(f"Good for {answer['expires_in']} seconds; it may: {answer['scope']}", markup=False)


@token_app.command("list")
def list_tokens(data: Data = None) -> None:
    """List your tokens and sign-ins: id, name, when made, when last used.

    sheetport token list
    """
    with user_caller(data) as client:
        for one in client.data("GET", _TOKENS):
            used = one.get("lastUsedAt") or "never used"
            out.print(f"{one['id']}  {one['name']}  {one['createdAt']}  {used}", markup=False)


@token_app.command("rotate")
def rotate_token(
    token_id: shared.Id, overlap: shared.Overlap = "24h", again: shared.Again = None, data: Data = None
) -> None:
    """Replace a personal access token and print the new one. The old one stays good for the overlap.

    sheetport token rotate us_pat_Ba5Xn1Pq --overlap 7d
    """
    with user_caller(data) as client:
        new = shared.rotate(client, f"{_TOKENS}/{quote(token_id, safe='')}/rotate", overlap, again)
    shared.show_rotated(new["personalAccessToken"]["id"], new.get("token"), overlap)


@token_app.command("revoke")
def revoke_token(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As 'sheetport token list' prints it.")],
    data: Data = None,
) -> None:
    """Revoke a token; the next call with it is refused.

    sheetport token revoke us_pat_Ba5Xn1Pq
    """
    with user_caller(data) as client:
        client.call("DELETE", f"{_TOKENS}/{quote(token_id, safe='')}")
    err.print(f"{token_id} is revoked.", markup=False)
