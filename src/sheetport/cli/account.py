"""``sheetport account``: further accounts on this server."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from sheetport.cli.caller import user_caller
from sheetport.cli.errors import CommandError
from sheetport.cli.local_socket import local_socket
from sheetport.cli.options import Data, err, out, settings_of
from sheetport.cli.secret_input import read_secret
from sheetport.features.auth import service as auth
from sheetport.kernel.errors import SheetportError

ACCOUNT = "/v1/accounts/current"


class Switch(StrEnum):
    """A rule is in force, or it is not."""

    ON = "on"
    OFF = "off"


account_app = typer.Typer(
    name="account",
    no_args_is_help=True,
    help="Accounts of this server. They see nothing of each other.\n\n"
    "    sheetport account create --name 'Second team' --email lead@example.com",
)


@account_app.callback()
def _only_subcommands() -> None:
    """Without a callback Typer makes a single command of it."""


@account_app.command()
def create(
    name: Annotated[str, typer.Option(help="The account's name.")],
    email: Annotated[str, typer.Option(help="Its first administrator's address.")],
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Add an account with an administrator, two environments and their keys, which are printed once.

    Runs beside 'sheetport serve' on the same machine. The password is asked for, or read from standard input.

        sheetport account create --name 'Second team' --email lead@example.com
    """
    password = read_secret("Password (15 characters or more)", confirm=True)
    try:
        password_hash = auth.hash_new_password(password, (email, name))
    except SheetportError as error:
        raise CommandError(error.message) from None
    with local_socket(settings_of(data).storage.data) as server:
        made = server.call("create-account", name=name, email=email, passwordHash=password_hash)
    if as_json:
        out.file.write(json.dumps(made) + "\n")
        return
    out.print(f"[bold green]Made the account[/] {made['accountId']} with {made['email']} as its administrator.\n")
    for environment in made["environments"]:
        out.print(f"[bold]{environment['name']}[/]  {environment['id']}")
        out.print(f"  secret key       {environment['secretKey']}")
        out.print(f"  publishable key  {environment['publishableKey']}\n")
    out.print("These keys are shown this once.")


@account_app.command()
def link(
    account: Annotated[str | None, typer.Option(help="Name or id of the account, by default the first.")] = None,
    email: Annotated[str | None, typer.Option(help="Another user of the account, by address.")] = None,
    data: Data = None,
) -> None:
    """Print a link by which an account's first administrator, or another user, chooses a new password in a browser.

    It works once, for 30 minutes. Runs beside 'sheetport serve' on the same machine.

        sheetport account link
    """
    with local_socket(settings_of(data).storage.data) as server:
        made = server.call("create-setup-link", account=account, email=email)
    out.file.write(f"{made['link']}\n")


@account_app.command("forget-factors")
def forget_factors(
    email: Annotated[str, typer.Argument(help="The user's address.")],
    account: Annotated[str | None, typer.Option(help="Name or id of the account, by default the first.")] = None,
    data: Data = None,
) -> None:
    """Take authenticator app, passkeys and recovery codes from a user who has lost them.

    Their password is all that a sign-in takes then, until they set a factor up again. Make sure that it is they who
    ask. Runs beside 'sheetport serve' on the same machine.

        sheetport account forget-factors ada@example.com
    """
    with local_socket(settings_of(data).storage.data) as server:
        server.call("forget-factors", account=account, email=email)
    err.print(f"{email} has no second factor any more.", markup=False)


@account_app.command("embed-list")
def embed_list(
    allow: Annotated[list[str] | None, typer.Option(metavar="ORIGIN", help="Add this origin. Repeat it.")] = None,
    remove: Annotated[list[str] | None, typer.Option(metavar="ORIGIN", help="Take this origin out. Repeat it.")] = None,
    data: Data = None,
) -> None:
    """Show, or change, which sites may show your account's space pages in a frame. While there are none, none may.

    An origin is https://app.example.com; https://*.example.com stands for every subdomain.

        sheetport account embed-list --allow https://app.example.com
    """
    with user_caller(data) as client:
        listed: list[str] = client.data("GET", ACCOUNT)["embeddedDomainWhitelist"]
        unknown = [origin for origin in remove or () if origin not in listed]
        if unknown:
            raise CommandError(f"{unknown[0]} is not on the list, which has: {', '.join(listed) or 'nothing'}.")
        if allow or remove:
            wanted = [origin for origin in listed if origin not in (remove or ())] + (allow or [])
            listed = client.data("PATCH", ACCOUNT, {"embeddedDomainWhitelist": wanted})["embeddedDomainWhitelist"]
    out.file.writelines(f"{origin}\n" for origin in listed)


@account_app.command()
def policy(
    require_mfa: Annotated[Switch | None, typer.Option(help="Whether every sign-in takes a second factor.")] = None,
    password_tokens: Annotated[
        Switch | None, typer.Option(help="Whether POST /v1/auth gives tokens for passwords.")
    ] = None,
    data: Data = None,
) -> None:
    """Show, or change, what your account asks of sign-ins.

    sheetport account policy --require-mfa on
    """
    given = {"mfaRequired": require_mfa, "passwordTokens": password_tokens}
    wanted = {name: switch is Switch.ON for name, switch in given.items() if switch is not None}
    with user_caller(data) as client:
        rules = client.data("PATCH" if wanted else "GET", "/v1/auth/login-policy", wanted or None)
    for name, label in (("mfaRequired", "require-mfa"), ("passwordTokens", "password-tokens")):
        out.print(f"{label}  {'on' if rules[name] else 'off'}")
