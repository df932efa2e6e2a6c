"""What the commands for keys, tokens and client credentials share: options, how they list, and how they rotate."""

from __future__ import annotations

import json
import secrets
from typing import Annotated, Any
from urllib.parse import quote

import typer

from sheetport.cli.client import Client
from sheetport.cli.durations import moment_of, seconds_of
from sheetport.cli.errors import CommandError
from sheetport.cli.options import err, out

CREDENTIALS = "/v1/auth/credentials"
PAGE = 1_000

Name = Annotated[str, typer.Option(help="The one program that will use it; shown in lists.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="As the list prints it.")]
Expires = Annotated[
    str | None, typer.Option(metavar="WHEN", help="90d or a date, such as 2027-01-31; by default it does not expire.")
]
Space = Annotated[str | None, typer.Option(metavar="ID", help="For this space only.")]
Workbook = Annotated[str | None, typer.Option(metavar="ID", help="For this workbook only.")]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="For reading only, and for no secret's value.")]
AllowIp = Annotated[
    list[str] | None,
    typer.Option("--allow-ip", metavar="CIDR", help="From this address or network only. Repeat it."),
]
Route = Annotated[
    list[str] | None,
    typer.Option("--route", metavar="'METHOD PATH'", help="For this call only, such as 'GET /v1/spaces/*'. Repeat it."),
]
Overlap = Annotated[str, typer.Option(metavar="SPAN", help="How long both are good: 0 (the old one ends now) to 30d.")]
Again = Annotated[
    str | None,
    typer.Option("--idempotency-key", metavar="WORD", help="Rotate once, however often the command runs with it."),
]
All = Annotated[bool, typer.Option("--all", help="Those that have ended too, with how, when and by whom.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def scope_of(
    name: str,
    expires: str | None,
    space: str | None,
    workbook: str | None,
    read_only: bool,
    allow_ip: list[str] | None,
    route: list[str] | None,
) -> dict[str, Any]:
    """The options of a new credential as the API takes them. Raises CommandError."""
    return {
        "name": name,
        "expiresAt": moment_of(expires, "--expires") if expires else None,
        "spaceId": space,
        "workbookId": workbook,
        "readOnly": read_only,
        "networks": allow_ip or [],
        "operations": operations_of(route or []),
    }


def operations_of(texts: list[str]) -> list[dict[str, str]]:
    """``METHOD PATH`` as the API takes them. Raises CommandError."""
    return [_operation(text) for text in texts]


def _operation(text: str) -> dict[str, str]:
    method, blank, path = text.strip().partition(" ")
    if not blank:
        raise CommandError(f"Write --route 'METHOD PATH', such as --route 'GET /v1/spaces/*', not {text[:60]!r}.")
    return {"method": method, "path": path.strip()}


def fetch_all(client: Client, path: str, **params: Any) -> list[dict[str, Any]]:
    """Every page of a list of credentials."""
    found: list[dict[str, Any]] = []
    while True:
        page = client.data("GET", path, params={**params, "pageSize": PAGE, "pageNumber": len(found) // PAGE + 1})
        found += page
        if len(page) < PAGE:
            return found


def find_credential(client: Client, credential_id: str) -> dict[str, Any]:
    """A credential by its id, live or ended. Raises CommandError."""
    for one in fetch_all(client, CREDENTIALS, state="all"):
        if one["id"] == credential_id:
            return one
    raise CommandError(f"There is no {credential_id!r} here; the list prints the ids.")


def revoke(client: Client, credential_id: str) -> None:
    client.call("DELETE", f"{CREDENTIALS}/{quote(credential_id, safe='')}")
    err.print(f"{credential_id} is revoked.", markup=False)


def rotate(client: Client, path: str, overlap: str, again: str | None, params: dict[str, Any] | None = None) -> Any:
    """The answer of a rotation."""
    seconds = seconds_of(overlap, "--overlap")
    headers = {"Idempotency-Key": again or secrets.token_urlsafe(16)}
    return client.data("POST", path, params={**(params or {}), "overlapSeconds": seconds}, headers=headers)


def show_rotated(new_id: str, token: str | None, overlap: str) -> None:
    """Print the new token, which is shown this once."""
    if token is None:
        raise CommandError(f"It was rotated to {new_id} more than ten minutes ago; its token is shown no more.")
    out.file.write(f"{token}\n")
    old = "ended now" if seconds_of(overlap, "--overlap") == 0 else f"ends in {overlap}"
    err.print(f"Shown this once. Its id is {new_id}; the old one {old}.", markup=False)


def show(listed: list[dict[str, Any]], *, as_json: bool) -> None:
    """One line for each: id, name, state, token, use, narrowing."""
    if as_json:
        out.file.write(json.dumps(listed) + "\n")
        return
    for one in listed:
        used = f"used {one['lastUsedAt'][:16]}" if one.get("lastUsedAt") else "never used"
        made = f"made {one['createdAt'][:10]} by {one.get('createdBy', 'the server')}"
        out.file.write("  ".join((one["id"], one["masked"], repr(one["name"]), made, used, *_more(one))) + "\n")


def _more(one: dict[str, Any]) -> list[str]:
    found = [] if one["state"] == "live" else [one["state"]]
    for name, word in (
        ("environmentId", "of"),
        ("spaceId", "of"),
        ("workbookId", "of"),
        ("replacedBy", "replaced by"),
        ("endedAt", "ended"),
        ("endedBy", "by"),
    ):
        found += [f"{word} {one[name]}"] if one.get(name) else []
    if one.get("expiresAt") and "endedAt" not in one:
        found.append(f"expires {one['expiresAt'][:10]}")
    if one.get("rotateBy"):
        found.append(f"imported: the old vendor knows it, rotate by {one['rotateBy'][:10]}")
    found += ["read-only"] if one["readOnly"] else []
    found += [f"from {', '.join(one['networks'])}"] if one["networks"] else []
    calls = [f"{each['method']} {each['path']}" for each in one["operations"]]
    return found + ([f"for {', '.join(calls)}"] if calls else [])
