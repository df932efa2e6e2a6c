"""``sheetport env limits`` and ``env origins``: what an environment may use, and which pages its keys are for."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sheetport.cli.errors import CommandError
from sheetport.cli.local_socket import local_socket
from sheetport.cli.options import Data, out, settings_of
from sheetport.config import amount

Name = Annotated[str | None, typer.Argument(metavar="[NAME]", help="The environment, by default development.")]
Account = Annotated[str | None, typer.Option(help="Name or id of the account, by default the first.")]
_DEFAULT = "default"
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def limits(
    name: Name = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="LIMIT=N",
            help="rows, bytes (20GiB), spaces-a-day or streams; 'default' takes the server's again. Repeat it.",
        ),
    ] = None,
    account: Account = None,
    data: Data = None,
) -> None:
    """Show what an environment uses and may use, and change its limits. A change holds at once, streams within 15
    seconds.

    Runs beside 'sheetport serve' on the same machine.

        sheetport env limits production

        sheetport env limits production --set rows=5000000 --set bytes=50GiB
    """
    wanted = dict(_change(each) for each in changes or [])
    with local_socket(settings_of(data).storage.data) as server:
        told = server.call("environment-limits", environment=name, account=account, set=wanted)
    out.file.write(f"{told['environment']}  {told['id']}\n")
    for item in told["quotas"]:
        whose = "its own limit" if item["own"] else "the server's limit"
        out.file.write(f"  {item['quota']:<13} {_used(item):<44} {whose}\n")


def origins(
    name: Name = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="ORIGIN", help="https://app.example.com or https://*.example.com. Repeat it."),
    ] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", metavar="ORIGIN", help="Take one off again.")] = None,
    any_page: Annotated[bool, typer.Option("--any", help="Empty the list: any page may use the key.")] = False,
    key: Annotated[
        str | None, typer.Option(help="Id of one publishable key, by default each of the environment's.")
    ] = None,
    account: Account = None,
    data: Data = None,
) -> None:
    """Show and change the pages on which an environment's publishable keys may be used. It holds at once.

    Runs beside 'sheetport serve' on the same machine. A key without a list may be used on any page.

        sheetport env origins production --allow https://app.example.com --allow 'https://*.example.net'
    """
    if any_page and (allow or remove):
        raise CommandError("--any empties the list: give it without --allow and --remove.")
    asked: dict[str, Any] = {"allow": allow or [], "remove": remove or [], "any": any_page, "key": key}
    with local_socket(settings_of(data).storage.data) as server:
        told = server.call("environment-origins", environment=name, account=account, **asked)
    out.file.write(f"{told['environment']}  {told['id']}\n")
    for each in told["keys"]:
        out.file.write(f"  {each['id']}  {each['key']}  {', '.join(each['origins']) or 'any page'}\n")


def _change(text: str) -> tuple[str, int | None]:
    limit, equals, value = text.partition("=")
    if not equals:
        raise CommandError(f"Write --set LIMIT=NUMBER, such as --set rows=5000000, not {text[:60]!r}.")
    try:
        return limit, None if value == _DEFAULT else amount(value)
    except ValueError as error:
        raise CommandError(f"--set {limit}: {error}.") from None


def _used(item: dict[str, Any]) -> str:
    if item["quota"] == "bytes":
        return f"{_size(item['used'])} of {_size(item['limit'])}"
    if item["used"] is None:
        return f"at most {item['limit']:,} open in each server process"
    return f"{item['used']:,} of {item['limit']:,}" + (" today (UTC)" if item["quota"] == "spaces-a-day" else "")


def _size(count: float) -> str:
    unit = 0
    while count >= 1024 and unit < len(_UNITS) - 1:
        count, unit = count / 1024, unit + 1
    return f"{count:,.1f}".removesuffix(".0") + f" {_UNITS[unit]}"
