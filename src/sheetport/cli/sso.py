"""``sheetport sso``: signing in by your organisation's identity provider."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from sheetport.cli.caller import user_caller
from sheetport.cli.errors import CommandError
from sheetport.cli.options import Data, err, out
from sheetport.cli.secret_input import read_secret

_PATH = "/v1/auth/sso"

sso_app = typer.Typer(
    name="sso",
    no_args_is_help=True,
    help="Single sign-on: your account's users sign in by your own identity provider (OpenID Connect).\n\n"
    "    sheetport sso set --name Example --issuer https://id.example.com --client-id sheetport "
    "--domain example.com < secret.txt\n\n"
    "    sheetport sso test\n\n"
    "    sheetport sso set --only-sso",
)


@sso_app.command("set")
def set_sso(
    name: Annotated[str | None, typer.Option(help="What stands on the button: Continue with NAME.")] = None,
    issuer: Annotated[str | None, typer.Option(metavar="URL", help="The provider, as its tokens name it.")] = None,
    client_id: Annotated[str | None, typer.Option(help="What the provider calls this server.")] = None,
    domain: Annotated[
        list[str] | None, typer.Option(help="Whose addresses may sign in; repeated. Replaces those before.")
    ] = None,
    new_users: Annotated[
        str | None,
        typer.Option(metavar="ROLE|none", help="Make users at their first sign-in: Admin, User or Guest."),
    ] = None,
    trust_mfa: Annotated[
        bool | None,
        typer.Option(
            "--trust-mfa/--no-trust-mfa", help="Take the provider's word for a second factor, or ask for ours."
        ),
    ] = None,
    only_sso: Annotated[
        bool | None,
        typer.Option("--only-sso/--no-only-sso", help="Forbid passwords and passkeys, or allow them again."),
    ] = None,
    new_secret: Annotated[bool, typer.Option("--new-secret", help="The client has another secret.")] = False,
    data: Data = None,
) -> None:
    """Set single sign-on up, or change what is named of it. The rest stays.

    With --issuer, --client-id or --new-secret the client secret is asked for, or read from standard input. --only-sso
    needs an Administrator who has signed in by single sign-on. Who is locked out runs this on the server's machine.

        sheetport sso set --name Example --issuer https://id.example.com --client-id sheetport \\
            --domain example.com < secret.txt

        sheetport sso set --only-sso
    """
    given: dict[str, Any] = {"name": name, "issuer": issuer, "clientId": client_id, "domains": domain or None}
    given |= {"newUsers": "" if new_users == "none" else new_users, "trustsMfa": trust_mfa, "onlySso": only_sso}
    if issuer is not None or client_id is not None or new_secret:
        given["clientSecret"] = read_secret("Client secret")
    wanted = {key: value for key, value in given.items() if value is not None}
    if not wanted:
        raise CommandError("Say what to set, such as --domain example.com; sheetport sso set --help lists it.")
    with user_caller(data) as client:
        _print(client.data("PATCH", _PATH, wanted))


@sso_app.command("show")
def show(data: Data = None) -> None:
    """Print the settings, all but the client secret. The provider has to know the line redirect-uri.

    sheetport sso show
    """
    with user_caller(data) as client:
        _print(client.data("GET", _PATH))


@sso_app.command("test")
def try_out(data: Data = None) -> None:
    """Fetch the provider's description and keys now, and say what is wrong; exits 1 if something is.

    sheetport sso test
    """
    with user_caller(data) as client:
        checks = client.data("POST", f"{_PATH}/test")
    for each in checks:
        out.file.write(f"{'ok' if each['ok'] else 'bad':<4} {each['name']:<10} {each['found']}\n")
    if not all(each["ok"] for each in checks):
        raise typer.Exit(1)


@sso_app.command("unlink")
def unlink(
    user_id: Annotated[str, typer.Argument(metavar="USER", help="As 'sheetport users list' prints it.")],
    data: Data = None,
) -> None:
    """Forget whom a user is at the provider, who is linked anew, by address, at the next sign-in.

    sheetport sso unlink us_usr_Ba5Xn1Pq
    """
    with user_caller(data) as client:
        client.call("DELETE", f"{_PATH}/identities/{quote(user_id, safe='')}")
    err.print(f"{user_id} is linked with nobody at the provider.", markup=False)


@sso_app.command("remove")
def remove(data: Data = None) -> None:
    """Remove single sign-on: sessions that it has made end at once, and passwords are allowed again.

    sheetport sso remove
    """
    with user_caller(data) as client:
        client.call("DELETE", _PATH)
    err.print("Single sign-on is removed, and the sessions by it have ended.")


def _print(shown: dict[str, Any]) -> None:
    rows = {
        "name": shown["name"],
        "issuer": shown["issuer"],
        "client-id": shown["clientId"],
        "redirect-uri": shown["redirectUri"],
        "domains": " ".join(shown["domains"]),
        "new-users": shown["newUsers"] or "none",
        "trust-mfa": "on" if shown["trustsMfa"] else "off",
        "only-sso": "on" if shown["onlySso"] else "off",
    }
    for label, value in rows.items():
        out.file.write(f"{label:<13} {value}\n")
