"""``sheetport keys``: the keys of environments, and which keys and tokens are due to be rotated."""

from __future__ import annotations

from io import StringIO
from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer
from dotenv import dotenv_values

from sheetport.cli import credentials as shared
from sheetport.cli.caller import user_caller
from sheetport.cli.client import Client
from sheetport.cli.credentials import CREDENTIALS, All, AsJson, fetch_all
from sheetport.cli.durations import days_of, moment_of
from sheetport.cli.errors import CommandError
from sheetport.cli.kek import kek_rotate, wrap
from sheetport.cli.options import Data, Environment, err, out
from sheetport.cli.secret_input import read_secret

_POLICY = "/v1/auth/key-policy"
_KINDS = ("secret_key", "publishable_key")
_ANY = "any"
_TOKENS = ("sk_", "pk_", "pat_")
Type = Annotated[Literal["secret", "publishable"], typer.Option("--type", help="Which kind of key.")]

keys_app = typer.Typer(
    name="keys",
    no_args_is_help=True,
    help="Keys of environments, one for each program, and what is due to be rotated.\n\n"
    "    sheetport keys create --name 'nightly import' --environment production\n\n"
    "    sheetport keys rotate us_key_Ba5Xn1Pq --overlap 7d",
)


@keys_app.command("list")
def list_keys(
    environment: Environment = None,
    idle: Annotated[str | None, typer.Option(metavar="DAYS", help="Only those not used for so long: 90d.")] = None,
    expiring: Annotated[str | None, typer.Option(metavar="DAYS", help="Only those that end within: 30d.")] = None,
    everything: All = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """List keys: what each may do, who made it, when it was used.

    sheetport keys list --environment production

    sheetport keys list --idle 90d
    """
    params: dict[str, Any] = {"state": "all" if everything else "live"}
    params |= {} if idle is None else {"idleDays": days_of(idle, "--idle")}
    params |= {} if expiring is None else {"expiringDays": days_of(expiring, "--expiring")}
    with user_caller(data) as client:
        if environment is not None:
            params["environmentId"] = find_environment(client, environment)["id"]
        listed = [one for one in fetch_all(client, CREDENTIALS, **params) if one["kind"] in _KINDS]
    shared.show(listed, as_json=as_json)


@keys_app.command("create")
def create_key(
    name: shared.Name,
    environment: Environment = None,
    key_type: Type = "secret",
    expires: shared.Expires = None,
    space: shared.Space = None,
    workbook: shared.Workbook = None,
    read_only: shared.ReadOnly = False,
    allow_ip: shared.AllowIp = None,
    route: shared.Route = None,
    data: Data = None,
) -> None:
    """Make a key and print it. It is shown this once.

    sheetport keys create --name 'nightly import' --environment production --expires 90d --allow-ip 203.0.113.0/24

    sheetport keys create --name dashboard --read-only --route 'GET /v1/spaces/*'
    """
    body = shared.scope_of(name, expires, space, workbook, read_only, allow_ip, route)
    with user_caller(data) as client:
        place = find_environment(client, environment)
        params = {"environmentId": place["id"], "type": key_type.upper()}
        before = {one["id"] for one in client.data("GET", "/v1/auth/api-keys", params={"environmentId": place["id"]})}
        made = client.data("POST", "/v1/auth/api-key", body, params)
    (new,) = [one for one in made if one["id"] not in before and one.get("name") == name]
    out.file.write(f"{new['rawKey']}\n")
    err.print(f"Shown this once. Its id is {new['id']}, a key of {place['name']}.", markup=False)


@keys_app.command("rotate")
def rotate_key(
    key_id: shared.Id, overlap: shared.Overlap = "24h", again: shared.Again = None, data: Data = None
) -> None:
    """Replace a key and print the new one, which may do the same. The old one stays good for the overlap.

    Put the new one in place within the overlap: what still uses the old one after it ends both, as a thief would.

        sheetport keys rotate us_key_Ba5Xn1Pq --overlap 7d

        sheetport keys rotate us_key_Ba5Xn1Pq --overlap 0        # it has leaked
    """
    with user_caller(data) as client:
        old = shared.find_credential(client, key_id)
        if old["kind"] not in _KINDS:
            raise CommandError(f"{key_id} is no key; use 'sheetport token rotate' or 'sheetport clients rotate'.")
        params = {"environmentId": old["environmentId"], "key": key_id}
        new = shared.rotate(client, "/v1/auth/api-key/rotate", overlap, again, params)
    shared.show_rotated(new["id"], new.get("rawKey"), overlap)


@keys_app.command("change")
def change(
    key_id: shared.Id,
    name: Annotated[str | None, typer.Option(help="What it is listed as.")] = None,
    expires: Annotated[str | None, typer.Option(metavar="WHEN", help="90d, a date, or never.")] = None,
    space: Annotated[str | None, typer.Option(metavar="ID", help="For this space only, or any.")] = None,
    workbook: Annotated[str | None, typer.Option(metavar="ID", help="For this workbook only, or any.")] = None,
    read_only: Annotated[bool | None, typer.Option("--read-only/--not-read-only", help="For reading only.")] = None,
    allow_ip: Annotated[
        list[str] | None, typer.Option("--allow-ip", metavar="CIDR", help="From there only, or any. Repeat it.")
    ] = None,
    route: Annotated[
        list[str] | None, typer.Option("--route", metavar="'METHOD PATH'", help="For this only, or any. Repeat it.")
    ] = None,
    data: Data = None,
) -> None:
    """Change what a key, a token or client credentials are for. It holds at once, and cuts what it opened.

    sheetport keys change us_key_Ba5Xn1Pq --allow-ip 203.0.113.0/24 --expires 90d

    sheetport keys change us_pat_Ba5Xn1Pq --route any
    """
    members: dict[str, Any] = {} if name is None else {"name": name}
    if expires is not None:
        members["expiresAt"] = None if expires == "never" else moment_of(expires, "--expires")
    for option, value in (("spaceId", space), ("workbookId", workbook)):
        members |= {} if value is None else {option: None if value == _ANY else value}
    members |= {} if read_only is None else {"readOnly": read_only}
    members |= {} if not allow_ip else {"networks": [each for each in allow_ip if each != _ANY]}
    members |= {} if not route else {"operations": shared.operations_of([each for each in route if each != _ANY])}
    if not members:
        raise CommandError("Say what to change, such as --allow-ip 203.0.113.0/24.")
    with user_caller(data) as client:
        changed = client.data("PATCH", f"{CREDENTIALS}/{quote(key_id, safe='')}", members)
    shared.show([changed], as_json=False)


@keys_app.command("revoke")
def revoke_key(key_id: shared.Id, data: Data = None) -> None:
    """Revoke a key; the next call with it is refused.

    sheetport keys revoke us_key_Ba5Xn1Pq
    """
    with user_caller(data) as client:
        shared.revoke(client, key_id)


@keys_app.command("due")
def list_due(
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="DAYS", help="Such as 90d; by default what the policy says.")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """List the keys, tokens and client credentials to rotate: too old ones, and imported ones whose time is over.

    Ends with status 1 if there is any.

        sheetport keys due --older-than 90d
    """
    params = {} if older_than is None else {"olderThanDays": days_of(older_than, "--older-than")}
    with user_caller(data) as client:
        listed = fetch_all(client, f"{CREDENTIALS}/due", **params)
    shared.show(listed, as_json=as_json)
    if listed:
        raise typer.Exit(1)


@keys_app.command("policy")
def policy(
    max_age: Annotated[
        str | None, typer.Option("--max-age", metavar="DAYS", help="Such as 90d; 'any', or 'default' for the server's.")
    ] = None,
    data: Data = None,
) -> None:
    """Show and change how old keys and tokens may become: new ones end by then, older ones are due.

    sheetport keys policy --max-age 90d
    """
    words: dict[str, int | None] = {"any": 0, "default": None}
    with user_caller(data) as client:
        if max_age is not None:
            days = words[max_age] if max_age in words else days_of(max_age, "--max-age")
            client.call("PUT", _POLICY, {"maxAgeDays": days})
        days = client.data("GET", _POLICY)["maxAgeDays"]
    said = {None: "as old as the server's setting lets them (SHEETPORT_KEY_MAX_AGE_DAYS)", 0: "as old as they like"}
    out.file.write(f"Keys and tokens may become {said.get(days, f'{days} days old')}.\n")


@keys_app.command("import")
def import_keys(
    environment: Environment = None,
    new_environment: Annotated[
        str | None,
        typer.Option("--new-environment", metavar="NAME", help="Make an environment with the id that was read."),
    ] = None,
    is_prod: Annotated[bool, typer.Option("--production", help="That environment is a production one.")] = False,
    rotate_by: Annotated[
        str, typer.Option("--rotate-by", metavar="WHEN", help="Until when to use them: 30d or a date.")
    ] = "30d",
    data: Data = None,
) -> None:
    """Take keys and tokens of another server as they stand, so that programs go on unchanged.

    Reads standard input: tokens one a line, or a .env file. Of that, values that begin with sk_, pk_ or pat_ are taken,
    and FLATFILE_ENVIRONMENT_ID says which environment they are of. Only their fingerprints are kept; each is listed as
    imported until it is rotated.

        sheetport keys import --new-environment production --production < .env
    """
    tokens, environment_id = _read(read_secret("Keys, tokens or lines of a .env file"))
    body: dict[str, Any] = {"rotateBy": moment_of(rotate_by, "--rotate-by")}
    with user_caller(data) as client:
        place = _place(client, environment, environment_id, new_environment, is_prod=is_prod)
        for token in tokens:
            of = {} if token.startswith("pat_") else {"environmentId": place["id"]}
            kind = {} if token.startswith(_TOKENS) else {"type": "SECRET"}
            made = client.data("POST", f"{CREDENTIALS}/import", {"token": token, **body, **of, **kind})
            until = made["rotateBy"][:10]
            out.file.write(f"{made['id']}  {made['masked']}  imported: the old vendor knows it, rotate by {until}\n")


def _read(text: str) -> tuple[list[str], str | None]:
    """The tokens of the input, and the environment's id if it is told. Raises CommandError."""
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    tokens = [name if value is None else value for name, value in values.items() if _is_token(name, value)]
    if not tokens:
        raise CommandError("There is no token in it: give one a line, or NAME=sk_… as in a .env file.")
    return list(dict.fromkeys(tokens)), values.get("FLATFILE_ENVIRONMENT_ID")


def _is_token(name: str, value: str | None) -> bool:
    return value is None or value.startswith(_TOKENS)


def _place(
    client: Client, environment: str | None, environment_id: str | None, new: str | None, *, is_prod: bool
) -> dict[str, Any]:
    if new is None:
        return find_environment(client, environment or environment_id)
    if environment_id is None:
        raise CommandError("--new-environment takes its id from FLATFILE_ENVIRONMENT_ID=… in the input; add that line.")
    made = client.data("POST", "/v1/environments", {"name": new, "isProd": is_prod, "id": environment_id})
    err.print(f"Made the environment {new} with the id {made['id']}.", markup=False)
    return dict(made)


def find_environment(client: Client, wanted: str | None) -> dict[str, Any]:
    """The environment of this name or id, by default development. Raises CommandError."""
    listed = client.data("GET", "/v1/environments", params={"pageSize": 1000})
    for one in listed:
        if (wanted or "development") in (one["id"], one["name"]):
            return dict(one)
    names = ", ".join(one["name"] for one in listed) or "none"
    raise CommandError(f"There is no environment {wanted or 'development'!r}; there are: {names}.")


keys_app.command("kek-rotate")(kek_rotate)
keys_app.command("wrap")(wrap)
