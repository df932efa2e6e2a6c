"""What the commands about users and roles have in common: users by address, roles by name."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from sheetport.cli.client import Client
from sheetport.cli.errors import CommandError

#: What a guest's id begins with.
GUEST_ID = "us_g_"
_ALL = {"pageSize": 1000}


def find_user(client: Client, wanted: str) -> dict[str, Any]:
    """The account's user of this id or address. Raises CommandError."""
    if "@" in wanted:
        found: list[dict[str, Any]] = client.data("GET", "/v1/users", params={"email": wanted, **_ALL})
    else:
        found = [client.data("GET", f"/v1/users/{wanted}")]
    if not found:
        raise CommandError(f"Your account has no user with the address {wanted}; see 'sheetport users list'.")
    return found[0]


def find_holder(client: Client, wanted: str) -> tuple[str, str]:
    """Where the roles of a user (by address or id) or of a guest (by id) are, and what to call them. Raises
    CommandError."""
    if wanted.startswith(GUEST_ID):
        return f"/v1/guests/{quote(wanted, safe='')}/roles", wanted
    found = find_user(client, wanted)
    return f"/v1/users/{found['id']}/roles", str(found["email"])


def find_role(client: Client, wanted: str) -> dict[str, Any]:
    """The account's role of this id or name. Raises CommandError."""
    known: list[dict[str, Any]] = client.data("GET", "/v1/roles")
    found = [role for role in known if wanted == role["id"] or wanted.casefold() == role["name"].casefold()]
    if not found:
        names = ", ".join(role["name"] for role in known)
        raise CommandError(f"Your account has no role {wanted!r}, only: {names}.")
    return found[0]


def resource_id(client: Client, wanted: str | None) -> str:
    """The id of what a role is given on: by default the account."""
    return wanted or str(client.data("GET", "/v1/accounts/current")["id"])
