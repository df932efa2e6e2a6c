"""``sheetport account``: further accounts on this server."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from sheetport.cli.errors import CommandError
from sheetport.cli.local_socket import local_socket
from sheetport.cli.options import Data, out, settings_of
from sheetport.cli.secret_input import read_secret
from sheetport.features.auth import service as auth
from sheetport.kernel.errors import SheetportError

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
    data: Data = None,
) -> None:
    """Print a link by which an account's first administrator chooses a new password in a browser.

    It works once, for 30 minutes. Runs beside 'sheetport serve' on the same machine.

        sheetport account link
    """
    with local_socket(settings_of(data).storage.data) as server:
        made = server.call("create-setup-link", account=account)
    out.file.write(f"{made['link']}\n")
