"""``sheetport egress``: which targets beyond the public internet this server may call."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sheetport.cli.local_socket import local_socket
from sheetport.cli.options import Data, err, out, settings_of

Target = Annotated[str, typer.Argument(metavar="HOST|CIDR", help="hooks.example.internal, 10.1.2.3 or 10.1.0.0/16.")]
Environment = Annotated[
    str | None,
    typer.Option("--environment", "-e", metavar="NAME", help="Only for this environment, by default for all."),
]
Account = Annotated[str | None, typer.Option(help="Name or id of the account, by default the first.")]

egress_app = typer.Typer(
    name="egress",
    no_args_is_help=True,
    help="Which targets beyond the public internet this server may call. By default none: webhooks, sign-in at other"
    " servers and whatever else calls out reach public addresses only.\n\n"
    "    sheetport egress allow hooks.example.internal\n\n"
    "    sheetport egress allow 10.1.0.0/16 --environment production\n\n"
    "    sheetport egress list",
)


@egress_app.command()
def allow(target: Target, environment: Environment = None, account: Account = None, data: Data = None) -> None:
    """Allow calls to a host's name, an address or a network. It holds from the next call on.

    Runs beside 'sheetport serve' on the same machine. A metadata service of a cloud needs its exact name or address.

        sheetport egress allow hooks.example.internal

        sheetport egress allow 10.1.0.0/16 --environment production
    """
    told = _call(data, change="allow", target=target, environment=environment, account=account)
    err.print(f"{told['target']} may be called.", markup=False)


@egress_app.command()
def remove(target: Target, environment: Environment = None, account: Account = None, data: Data = None) -> None:
    """Allow a target no more, from the next call on.

    sheetport egress remove hooks.example.internal
    """
    told = _call(data, change="remove", target=target, environment=environment, account=account)
    err.print(f"{told['target']} may be called no more, unless it is public.", markup=False)


@egress_app.command("list")
def list_targets(account: Account = None, data: Data = None) -> None:
    """Print every allowed target and the environment it is for, one a line.

    sheetport egress list
    """
    for each in _call(data, account=account)["allowed"]:
        out.file.write(f"{each['target']:<40} {each['environment'] or 'every environment'}\n")


def _call(data: Data, **asked: Any) -> dict[str, Any]:
    with local_socket(settings_of(data).storage.data) as server:
        told: dict[str, Any] = server.call("egress", **asked)
    return told
