"""``sheetport guests``: who is let into a space."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from sheetport.cli.caller import environment_caller
from sheetport.cli.client import Client
from sheetport.cli.errors import CommandError
from sheetport.cli.options import Data, Environment, err, out

Space = Annotated[str, typer.Argument(metavar="SPACE", help="Id of the space.")]
Address = Annotated[str, typer.Argument(metavar="EMAIL", help="The guest's address.")]
Name = Annotated[str | None, typer.Option(help="How the guest is called, by default by the address.")]
Workbooks = Annotated[
    list[str] | None, typer.Option("--workbook", metavar="ID", help="Only this workbook of the space. Repeat it.")
]
Sheets = Annotated[list[str] | None, typer.Option("--sheet", metavar="ID", help="Only this sheet. Repeat it.")]

guests_app = typer.Typer(
    name="guests",
    no_args_is_help=True,
    help="Guests: people who are let into a space, or only into some of its workbooks and sheets.\n\n"
    "    sheetport guests invite us_sp_Ba5Xn1Pq ada@example.com",
)


class _Guests:
    """The guests of an environment."""

    def __init__(self, client: Client, environment_id: str) -> None:
        self._client = client
        self._environment_id = environment_id

    def in_space(self, space: str, email: str | None = None) -> list[dict[str, Any]]:
        named = {"spaceId": space} | ({"email": email} if email else {})
        return list(self._client.data("GET", "/v1/guests", params=named))

    def add(self, email: str, name: str | None, space: dict[str, Any]) -> dict[str, Any]:
        guest = {"environmentId": self._environment_id, "email": email, "spaces": [space]}
        return dict(self._client.data("POST", "/v1/guests", [guest | {"name": name or email.partition("@")[0]}])[0])

    def invite(self, invites: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The links to hand over; none when mail goes out."""
        return list(self._client.data("POST", "/v1/invitations", invites).get("links") or [])

    def remove(self, guest_id: str, space: str | None) -> None:
        params = {"spaceId": space} if space else None
        self._client.call("DELETE", f"/v1/guests/{quote(guest_id, safe='')}", params=params)


@guests_app.command("list")
def list_guests(
    space: Space,
    environment: Environment = None,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array and nothing else.")] = False,
) -> None:
    """List the guests of a space: address, id, name, and what of the space they are let into.

    sheetport guests list us_sp_Ba5Xn1Pq
    """
    with _guests(environment, data) as guests:
        found = guests.in_space(space)
    if as_json:
        out.file.write(json.dumps(found) + "\n")
        return
    for guest in found:
        out.file.write(f"{guest['email'] or '-'}\t{guest['id']}\t{guest['name']}\t{_reach(guest, space)}\n")


@guests_app.command()
def add(
    space: Space,
    email: Address,
    name: Name = None,
    workbook: Workbooks = None,
    sheet: Sheets = None,
    environment: Environment = None,
    data: Data = None,
) -> None:
    """Let somebody into a space, without telling them; 'invite' does both.

    sheetport guests add us_sp_Ba5Xn1Pq ada@example.com --name Ada

    sheetport guests add us_sp_Ba5Xn1Pq ada@example.com --workbook us_wb_8e0z52gI
    """
    with _guests(environment, data) as guests:
        guest = guests.add(email, name, _space(space, workbook, sheet))
    out.file.write(f"{guest['email']}\t{guest['id']}\t{_reach(guest, space)}\n")


@guests_app.command()
def invite(
    space: Space,
    emails: Annotated[list[str], typer.Argument(metavar="EMAIL…", help="One address or several.")],
    name: Name = None,
    workbook: Workbooks = None,
    sheet: Sheets = None,
    from_name: Annotated[str | None, typer.Option("--from", metavar="NAME", help="Who invites.")] = None,
    message: Annotated[str | None, typer.Option(metavar="TEXT", help="A few words in the mail.")] = None,
    environment: Environment = None,
    data: Data = None,
) -> None:
    """Let people into a space and mail each an invitation. A server that sends no mail prints the links to hand over.

    Each of these links signs in once, within seven days: give it to that person only.

        sheetport guests invite us_sp_Ba5Xn1Pq ada@example.com grace@example.com --from Joan
    """
    if name is not None and len(emails) > 1:
        raise CommandError("--name is for one guest: give it with one address.")
    words = {"fromName": from_name, "message": message}
    with _guests(environment, data) as guests:
        added = [guests.add(email, name, _space(space, workbook, sheet)) for email in emails]
        invites = [{"guestId": guest["id"], "spaceId": space, **words} for guest in added]
        links = {each["guestId"]: each["link"] for each in guests.invite(invites)}
    for guest in added:
        if guest["id"] in links:
            out.file.write(f"{guest['email']}\t{links[guest['id']]}\n")
        else:
            err.print(f"{guest['email']} is being mailed an invitation.", markup=False)


@guests_app.command()
def remove(
    space: Space,
    guest: Annotated[str, typer.Argument(metavar="GUEST", help="Address or id.")],
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="From every space of the environment, and for good.")
    ] = False,
    environment: Environment = None,
    data: Data = None,
) -> None:
    """Take a guest out of a space at once: their sign-ins and links to it end.

    sheetport guests remove us_sp_Ba5Xn1Pq ada@example.com
    """
    with _guests(environment, data) as guests:
        found = [each for each in guests.in_space(space) if guest in {each["id"], each["email"]}]
        if not found:
            raise CommandError(f"{guest} is no guest of this space; 'sheetport guests list {space}' shows who is.")
        guests.remove(found[0]["id"], None if everywhere else space)
    err.print(f"{guest} is out of {'every space' if everywhere else 'the space'}.", markup=False)


def _space(space: str, workbooks: list[str] | None, sheets: list[str] | None) -> dict[str, Any]:
    named = {"workbooks": workbooks, "sheets": sheets}
    return {"id": space} | {word: [{"id": each} for each in ids] for word, ids in named.items() if ids}


def _reach(guest: dict[str, Any], space: str) -> str:
    access: dict[str, Any] = next((each for each in guest["spaces"] if each["id"] == space), {})
    parts = [each["id"] for word in ("workbooks", "sheets") for each in access.get(word) or []]
    return ", ".join(parts) or "all of the space"


@contextmanager
def _guests(environment: str | None, data: Path | None) -> Iterator[_Guests]:
    with environment_caller(environment, data, "guests", or_login=True) as caller, caller.client() as client:
        yield _Guests(client, caller.environment_id)
