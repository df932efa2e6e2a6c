"""``sheetport env``: an environment's variables, printed for other programs, set and unset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import quote

import typer
from typer.core import TyperGroup

from sheetport.cli.caller import EnvironmentCaller, environment_caller
from sheetport.cli.client import Client
from sheetport.cli.dotenv import dotenv_text
from sheetport.cli.limits import limits, origins
from sheetport.cli.options import Data, Environment, err, out
from sheetport.cli.secret_input import read_secret
from sheetport.cli.variables import environment_variables, program_variables


class _EnvironmentNameOrCommand(TyperGroup):
    """``env production`` is ``env show production``; an environment named like a command needs the long form."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # the library keeps its context type to itself
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["show", *args]
        return super().parse_args(ctx, args)


env_app = typer.Typer(
    name="env",
    cls=_EnvironmentNameOrCommand,
    help="Print what a program needs to talk to this server, or set an environment's own variables.\n\n"
    "    sheetport env                        # of development\n\n"
    "    sheetport env production > .env\n\n"
    "    sheetport env set WEBHOOK_URL=https://example.com/hook",
)


@env_app.command()
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The environment, by default development.")
    ] = None,
    data: Data = None,
) -> None:
    """Print the key, the address and the variables of an environment as a .env file.

    The key is found as by 'sheetport run'. One made for this output ends after 24 hours.

        sheetport env production > .env.production
    """
    with environment_caller(name, data, "env", keep=True) as caller:
        text = dotenv_text(program_variables(caller, {}))
    if caller.source == "minted":
        out.file.write(f"# A key of {caller.environment}, made for this output. It ends after 24 hours.\n")
    out.file.write(text)


@env_app.command("set")
def set_variable(
    variable: Annotated[str, typer.Argument(metavar="NAME=VALUE", help="NAME alone asks for the value.")],
    environment: Environment = None,
    data: Data = None,
) -> None:
    """Store a variable that programs under 'sheetport run' get. With NAME alone the value is asked for or read
    from standard input, so that it stands in no list of processes.

        sheetport env set WEBHOOK_URL=https://example.com/hook

        sheetport env set API_PASSWORD < password.txt
    """
    name, equals, value = variable.partition("=")
    if not equals:
        value = read_secret(name)
    with _variables(environment, data) as (client, caller):
        client.call("PUT", _path(caller, name), {"value": value})
    err.print(f"{name} is set in {caller.environment}.", markup=False)


@env_app.command("unset")
def unset_variable(
    name: Annotated[str, typer.Argument(metavar="NAME")], environment: Environment = None, data: Data = None
) -> None:
    """Remove a variable.

    sheetport env unset WEBHOOK_URL
    """
    with _variables(environment, data) as (client, caller):
        client.call("DELETE", _path(caller, name))
    err.print(f"{name} is gone from {caller.environment}.", markup=False)


@env_app.command("list")
def list_variables(environment: Environment = None, data: Data = None) -> None:
    """Print the names of an environment's own variables; 'sheetport env' prints their values too.

    sheetport env list --environment production
    """
    with _variables(environment, data) as (_, caller):
        for name in sorted(environment_variables(caller)):
            out.file.write(f"{name}\n")


env_app.command()(limits)
env_app.command()(origins)


@contextmanager
def _variables(environment: str | None, data: Data) -> Iterator[tuple[Client, EnvironmentCaller]]:
    with environment_caller(environment, data, "env", or_login=True) as caller, caller.client() as client:
        yield client, caller


def _path(caller: EnvironmentCaller, name: str) -> str:
    return f"/v1/environments/{caller.environment_id}/variables/{quote(name, safe='')}"
