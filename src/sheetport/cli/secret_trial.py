"""``--test`` of ``sheetport secrets rotate`` and ``promote``: a pending value takes effect only once it was tried."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import Annotated, Any
from urllib.parse import quote

import typer

from sheetport.cli.errors import CommandError
from sheetport.cli.secret_scope import SecretScope

Trial = Annotated[
    str | None,
    typer.Option(
        "--test",
        metavar="COMMAND",
        help="Run this with the new value in SECRET_VALUE; only if it ends with status 0 does the value take effect.",
    ),
]
TrialTime = Annotated[
    int, typer.Option("--test-timeout", metavar="SECONDS", min=1, max=3_600, help="After so long the test has failed.")
]


def find_pending(scope: SecretScope, secret_id: str) -> int:
    """The number of the pending version. Raises CommandError."""
    listed = scope.client.data("GET", f"/v1/secrets/{quote(secret_id, safe='')}/versions")
    found = [one["version"] for one in listed if one["label"] == "pending"]
    if not found:
        raise CommandError("No version is pending: 'sheetport secrets rotate NAME --pending' makes one.")
    return int(found[0])


def run_trial(scope: SecretScope, secret_id: str, version: int, command: str, seconds: int) -> None:
    """Run the operator's command with the pending value in its environment. Raises CommandError if it fails.

    The value is what readers of the label ``pending`` get. It stands in no argument, which every user of the machine
    could read, and no message repeats it. There is no shell: whoever wants one writes ``sh -c '…'``.
    """
    words = check_trial(command)
    pending = _pending(scope, secret_id)
    named = {"SECRET_NAME": pending["name"], "SECRET_VERSION": str(version), "SECRET_VALUE": pending["value"]}
    try:
        status = subprocess.run(words, env={**os.environ, **named}, timeout=seconds, check=False).returncode
    except subprocess.TimeoutExpired:
        raise _failed(version, f"was not done after {seconds} s") from None
    except ValueError:
        raise _failed(version, "cannot be given the value, which has a null character") from None
    except OSError as error:
        raise _failed(version, f"cannot be run ({error.strerror})") from None
    if status != 0:
        raise _failed(version, f"ended with status {status}")


def check_trial(command: str) -> list[str]:
    """The words of the command. Raises CommandError before anything is changed."""
    try:
        words = shlex.split(command)
    except ValueError as fault:
        raise CommandError(f"--test is no command: {fault}. Quote it as a shell wants it.") from None
    if not words:
        raise CommandError("--test is empty: name a command that ends with status 0 if the value is good.")
    return words


def _pending(scope: SecretScope, secret_id: str) -> dict[str, Any]:
    listed = scope.client.data("GET", "/v1/secrets", params={**scope.place, "label": "pending"})
    found = [one for one in listed if one["id"] == secret_id]
    if not found:
        raise CommandError("The pending version was replaced meanwhile; nothing was promoted.")
    return dict(found[0])


def _failed(version: int, why: str) -> CommandError:
    return CommandError(
        f"The test {why}: version {version} stays pending and the value in force is as it was. Mend it and"
        " use 'sheetport secrets promote NAME --test COMMAND', or rotate anew."
    )
