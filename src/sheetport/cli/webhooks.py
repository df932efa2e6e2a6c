"""``sheetport webhooks``: events of an environment or a space, posted to a URL and signed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import typer

from sheetport.cli.caller import environment_caller
from sheetport.cli.client import Client
from sheetport.cli.durations import moment_of, seconds_of
from sheetport.cli.errors import CommandError
from sheetport.cli.options import Data, Environment, err, out

_PATH = "/v1/webhooks"
_PAGE = 1_000
Webhook = Annotated[str, typer.Argument(metavar="WEBHOOK", help="Id of the webhook, as 'webhooks list' prints it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Topics = Annotated[
    list[str] | None,
    typer.Option("--topic", metavar="GLOB", help="records:created, job:* or **; repeated. All by default."),
]
Namespaces = Annotated[
    list[str] | None, typer.Option("--namespace", metavar="GLOB", help="Only events of these, such as space:red.")
]
Description = Annotated[str | None, typer.Option(help="What it is for.")]

webhooks_app = typer.Typer(
    name="webhooks",
    no_args_is_help=True,
    help="Webhooks: events of an environment or a space, posted to a URL and signed by Standard Webhooks.\n\n"
    "    sheetport webhooks create https://example.com/hooks --topic 'records:*' --topic job:completed\n\n"
    "    sheetport webhooks test us_wh_Ba5Xn1Pq\n\n"
    "    sheetport webhooks deliveries us_wh_Ba5Xn1Pq --state dead",
)


@webhooks_app.command("create")
def create(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where events are posted to.")],
    topic: Topics = None,
    namespace: Namespaces = None,
    space: Annotated[str | None, typer.Option(metavar="ID", help="Only events of this space.")] = None,
    description: Description = None,
    environment: Environment = None,
    data: Data = None,
) -> None:
    """Make a webhook and print its id and its secret, which is shown this once.

    A private target is refused unless it is allowed: sheetport egress allow HOST --environment NAME

        sheetport webhooks create https://example.com/hooks --topic 'records:*' --namespace space:red
    """
    asked: dict[str, Any] = {"url": url, "topics": topic or None, "namespaces": namespace or None}
    asked |= {"description": description, "spaceId": space}
    with _calling(environment, data) as (client, environment_id):
        asked["environmentId"] = environment_id
        made = client.data("POST", _PATH, {key: value for key, value in asked.items() if value is not None})
    out.file.write(f"id          {made['id']}\n")
    _print_key(made)


@webhooks_app.command("list")
def list_webhooks(
    space: Annotated[str | None, typer.Option(metavar="ID", help="Only those of this space.")] = None,
    as_json: AsJson = False,
    environment: Environment = None,
    data: Data = None,
) -> None:
    """List webhooks: id, state, host and topics, one a line.

    sheetport webhooks list --environment production
    """
    with _calling(environment, data) as (client, environment_id):
        params = {"environmentId": environment_id, "pageSize": _PAGE} | ({"spaceId": space} if space else {})
        found = client.data("GET", _PATH, params=params)
    if as_json:
        out.file.write(json.dumps(found) + "\n")
        return
    for each in found:
        host = urlsplit(each["url"]).hostname
        out.file.write(f"{each['id']}\t{each['state']}\t{host}\t{' '.join(each['topics'])}\n")


@webhooks_app.command("show")
def show(webhook: Webhook, as_json: AsJson = False, environment: Environment = None, data: Data = None) -> None:
    """Print a webhook with the public keys of its live signatures; never its secret.

    sheetport webhooks show us_wh_Ba5Xn1Pq
    """
    with _calling(environment, data) as (client, _):
        found = client.data("GET", _of(webhook))
    _print(found, as_json=as_json)


@webhooks_app.command("update")
def update(
    webhook: Webhook,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Where events are posted to from now on.")] = None,
    topic: Topics = None,
    namespace: Namespaces = None,
    description: Description = None,
    state: Annotated[str | None, typer.Option(metavar="STATE", help="enabled, paused or disabled.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why it is paused or disabled.")] = None,
    environment: Environment = None,
    data: Data = None,
) -> None:
    """Change what is named of a webhook. The rest stays; --namespace '' takes that filter away.

    A paused webhook keeps its place in the log, a disabled one begins with what is new when it is enabled.

        sheetport webhooks update us_wh_Ba5Xn1Pq --state paused --reason 'the receiver moves'
    """
    spaces = None if namespace is None else [each for each in namespace if each]
    asked: dict[str, Any] = {"url": url, "topics": topic or None, "namespaces": spaces}
    asked |= {"description": description, "state": state, "reason": reason}
    wanted = {key: value for key, value in asked.items() if value is not None}
    if not wanted:
        raise CommandError("Say what to change, such as --state paused; sheetport webhooks update --help lists it.")
    with _calling(environment, data) as (client, _):
        _print(client.data("PATCH", _of(webhook), wanted), as_json=False)


@webhooks_app.command("delete")
def delete(webhook: Webhook, environment: Environment = None, data: Data = None) -> None:
    """Delete a webhook: nothing more is sent to it.

    sheetport webhooks delete us_wh_Ba5Xn1Pq
    """
    with _calling(environment, data) as (client, _):
        client.call("DELETE", _of(webhook))
    err.print(f"{webhook} is deleted.", markup=False)


@webhooks_app.command("rotate")
def rotate(
    webhook: Webhook,
    overlap: Annotated[
        str | None, typer.Option(metavar="SPAN", help="For how long both keys sign: 24h by default, 0 not at all.")
    ] = None,
    environment: Environment = None,
    data: Data = None,
) -> None:
    """Give a webhook a new key and print its secret, which is shown this once.

    Give the receiver the new secret within the overlap; messages carry the signatures of both until then.

        sheetport webhooks rotate us_wh_Ba5Xn1Pq --overlap 7d
    """
    body = {} if overlap is None else {"overlapSeconds": seconds_of(overlap, "--overlap")}
    with _calling(environment, data) as (client, _):
        _print_key(client.data("POST", _of(webhook, "rotate"), body))


@webhooks_app.command("deliveries")
def deliveries(
    webhook: Webhook,
    state: Annotated[str | None, typer.Option(metavar="STATE", help="Only pending, delivered or dead ones.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_PAGE, help="So many at most.")] = 50,
    as_json: AsJson = False,
    environment: Environment = None,
    data: Data = None,
) -> None:
    """Print what became of events, the newest first: event, state, attempts, status, topic, and what was wrong.

    sheetport webhooks deliveries us_wh_Ba5Xn1Pq --state dead
    """
    params = {"pageSize": limit} | ({"state": state} if state else {})
    with _calling(environment, data) as (client, _):
        found = client.data("GET", _of(webhook, "deliveries"), params=params)
    if as_json:
        out.file.write(json.dumps(found) + "\n")
        return
    for each in found:
        parts = (each["eventId"], each["state"], str(each["attempts"]), str(each.get("status") or "-"), each["topic"])
        out.file.write("\t".join((*parts, each.get("error") or "-")) + "\n")


@webhooks_app.command("replay")
def replay(
    webhook: Webhook,
    event: Annotated[
        str | None, typer.Argument(metavar="[EVENT]", help="Only this event, whatever became of it.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only what was given up since: 2h ago, or 2027-01-31.")
    ] = None,
    environment: Environment = None,
    data: Data = None,
) -> None:
    """Send an event once more, or every dead delivery.

    sheetport webhooks replay us_wh_Ba5Xn1Pq us_evt_Ba5Xn1Pq

    sheetport webhooks replay us_wh_Ba5Xn1Pq --since 2027-01-31
    """
    if event is not None and since is not None:
        raise CommandError("Name one event, or --since for those that were given up; not both.")
    with _calling(environment, data) as (client, _):
        if event is not None:
            client.call("POST", _of(webhook, f"deliveries/{quote(event, safe='')}/replay"))
            count = 1
        else:
            body = {} if since is None else {"since": moment_of(since, "--since")}
            count = client.data("POST", _of(webhook, "replay"), body)["replayed"]
    err.print(f"{count} to be sent again.", markup=False)


@webhooks_app.command("test")
def send_test(webhook: Webhook, environment: Environment = None, data: Data = None) -> None:
    """Send a signed test message now and print what came back; exits 1 unless it was taken.

    sheetport webhooks test us_wh_Ba5Xn1Pq
    """
    with _calling(environment, data) as (client, _):
        told = client.data("POST", _of(webhook, "test"))
    said = told.get("error") or told.get("response") or ""
    out.file.write(f"{'ok' if told['ok'] else 'bad'} {told.get('status') or '-'} {told['duration']} ms {said}\n")
    if not told["ok"]:
        raise typer.Exit(1)


@contextmanager
def _calling(environment: str | None, data: Data) -> Iterator[tuple[Client, str]]:
    """The API as the caller of an environment, and that environment's id."""
    with environment_caller(environment, data, "webhooks", or_login=True) as caller, caller.client() as client:
        yield client, caller.environment_id


def _of(webhook: str, more: str = "") -> str:
    return f"{_PATH}/{quote(webhook, safe='')}{'/' if more else ''}{more}"


def _print_key(made: dict[str, Any]) -> None:
    out.file.write(f"secret      {made['secret']}\npublic-key  {made['keys'][0]['publicKey']}\n")
    for each in made["keys"][1:]:
        err.print(f"The key before signs too until {each['endsAt']}.", markup=False)


def _print(shown: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        out.file.write(json.dumps(shown) + "\n")
        return
    rows = {
        "id": shown["id"],
        "url": shown["url"],
        "state": " ".join((shown["state"], shown.get("reason") or "")).strip(),
        "topics": " ".join(shown["topics"]),
        "namespaces": " ".join(shown["namespaces"]) or "any",
        "space": shown.get("spaceId") or "all of the environment",
        "description": shown.get("description") or "-",
        "failing": f"since {shown['failingSince']}" if shown.get("failingSince") else "no",
    }
    for label, value in rows.items():
        out.file.write(f"{label:<12} {value}\n")
    for each in shown["keys"]:
        until = f" until {each['endsAt']}" if each.get("endsAt") else ""
        out.file.write(f"{'public-key':<12} {each['publicKey']}{until}\n")
