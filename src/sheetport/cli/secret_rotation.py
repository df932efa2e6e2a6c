"""``sheetport secrets rotate``, ``promote``, ``rollback`` and ``schedule``."""

from __future__ import annotations

import re
import secrets
from typing import Annotated, Any
from urllib.parse import quote

import typer

from sheetport.cli.errors import CommandError
from sheetport.cli.options import Data, Environment, err
from sheetport.cli.secret_input import read_secret
from sheetport.cli.secret_scope import SecretName, SecretScope, Space, secret_scope
from sheetport.cli.secret_trial import Trial, TrialTime, check_trial, find_pending, run_trial

Overlap = Annotated[
    str,
    typer.Option(
        metavar="TIME", help="How long the version before is still given out: 90s, 15m, 24h or 30d; by default not."
    ),
]
RequestKey = Annotated[
    str | None,
    typer.Option("--idempotency-key", metavar="TEXT", help="The same key again changes nothing; for retries."),
]
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def rotate(
    name: SecretName,
    from_stdin: Annotated[
        bool, typer.Option("--value", help="Ask for the new value, or read it from standard input.")
    ] = False,
    length: Annotated[
        int | None, typer.Option(metavar="N", help="How long a value that is made is to be, by default 43.")
    ] = None,
    pending: Annotated[bool, typer.Option("--pending", help="Let it wait until it is promoted.")] = False,
    overlap: Overlap = "0",
    test: Trial = None,
    test_timeout: TrialTime = 60,
    idempotency_key: RequestKey = None,
    environment: Environment = None,
    space: Space = None,
    data: Data = None,
) -> None:
    """Give a secret another value: one that is made of random letters and digits, or with --value yours.

    'sheetport secrets get' shows it, and readers get the one before by its label for as long as the overlap lasts.

        sheetport secrets rotate SIGNING_KEY --overlap 24h

        sheetport secrets rotate EXTERNAL_API_KEY --value --pending < new-key.txt

        sheetport secrets rotate EXTERNAL_API_KEY --value --test ./try-key < new-key.txt
    """
    if test is not None and pending:
        raise CommandError("--pending lets the value wait; test it later, by 'sheetport secrets promote --test'.")
    # What is pending has no overlap: that begins when it takes effect.
    seconds = _seconds(overlap)
    body: dict[str, Any] = {"pending": pending or test is not None}
    if test is None:
        body["overlapSeconds"] = seconds
    else:
        check_trial(test)
    if from_stdin:
        body["value"] = read_secret(f"New value of {name}")
    if length is not None:
        body["length"] = length
    with secret_scope(environment, space, data) as scope:
        made = _change(scope, name, "rotate", body, idempotency_key or secrets.token_hex(16))
        if test is not None and made["label"] == "pending":
            run_trial(scope, made["secretId"], made["version"], test, test_timeout)
            made = _change(scope, name, "promote", {"version": made["version"], "overlapSeconds": seconds})
    state = "waits: promote it with 'sheetport secrets promote'" if pending else "is in force"
    err.print(f"Version {made['version']} of {name} {state}.", markup=False)


def promote(
    name: SecretName,
    version: Annotated[int | None, typer.Option(metavar="N", help="Which version has to be pending.")] = None,
    overlap: Overlap = "0",
    test: Trial = None,
    test_timeout: TrialTime = 60,
    environment: Environment = None,
    space: Space = None,
    data: Data = None,
) -> None:
    """Put the pending version of a secret in force.

    sheetport secrets promote EXTERNAL_API_KEY --overlap 15m

    sheetport secrets promote EXTERNAL_API_KEY --test ./try-key
    """
    seconds = _seconds(overlap)
    if test is not None:
        check_trial(test)
    with secret_scope(environment, space, data) as scope:
        if test is not None:
            secret_id = scope.find(name)
            version = version if version is not None else find_pending(scope, secret_id)
            run_trial(scope, secret_id, version, test, test_timeout)
        made = _change(scope, name, "promote", {"version": version, "overlapSeconds": seconds})
    err.print(f"Version {made['version']} of {name} is in force.", markup=False)


def rollback(
    name: SecretName,
    version: Annotated[
        int | None, typer.Option(metavar="N", help="Whose value comes back, by default the previous one's.")
    ] = None,
    overlap: Overlap = "0",
    idempotency_key: RequestKey = None,
    environment: Environment = None,
    space: Space = None,
    data: Data = None,
) -> None:
    """Bring an earlier value of a secret back, as a new version.

    sheetport secrets rollback EXTERNAL_API_KEY
    """
    body = {"version": version, "overlapSeconds": _seconds(overlap)}
    with secret_scope(environment, space, data) as scope:
        made = _change(scope, name, "rollback", body, idempotency_key or secrets.token_hex(16))
    err.print(f"Version {made['version']} of {name} is in force.", markup=False)


def schedule(
    name: SecretName,
    every: Annotated[str, typer.Argument(metavar="DAYS", help="From 1 to 3650, or off.")],
    environment: Environment = None,
    space: Space = None,
    data: Data = None,
) -> None:
    """Be reminded to rotate a secret every so many days: an event, a week ahead and on the day.

    sheetport secrets schedule EXTERNAL_API_KEY 90
    """
    if every != "off" and not (every.isascii() and every.isdigit()):
        raise CommandError(f"Give a number of days or off, not {every[:60]!r}.")
    days = None if every == "off" else int(every)
    with secret_scope(environment, space, data) as scope:
        path = f"/v1/secrets/{quote(scope.find(name), safe='')}/schedule"
        made = scope.client.data("PUT", path, {"days": days})
    told = f"is due on {made['dueAt'][:10]}" if days else "has no schedule"
    err.print(f"{name} {told}.", markup=False)


def _change(scope: SecretScope, name: str, verb: str, body: Any, key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key} if key else None
    return scope.client.data("POST", f"/v1/secrets/{quote(scope.find(name), safe='')}/{verb}", body, headers=headers)


def _seconds(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text)
    if found is None:
        raise CommandError(f"--overlap takes 90s, 15m, 24h or 30d, not {text[:60]!r}.")
    return int(found[1]) * _UNITS[found[2] or "s"]
