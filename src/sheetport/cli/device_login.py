"""Signing in by a code that a person enters in a browser, on whatever device (RFC 8628)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from sheetport import NAME
from sheetport.cli.caller import on_host
from sheetport.cli.client import CallError, Client
from sheetport.cli.errors import CommandError
from sheetport.cli.login_file import Login
from sheetport.cli.options import err

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SLOWER = 5
_LONGEST_CLIENT_ID = 100


def sign_in_by_code(url: str) -> Login:
    """Shows a code, waits until somebody has approved it in a browser, and fetches the token. Raises CommandError."""
    with Client(url) as client:
        client_id = on_host(NAME.lower()).encode("ascii", "replace").decode()[:_LONGEST_CLIENT_ID]
        asked = client.call("POST", "/v1/oauth/device_authorization", {"client_id": client_id})
        _show(asked)
        answer = wait_for_token(client, client_id, asked)
    expires = datetime.now(UTC) + timedelta(seconds=int(answer["expires_in"]))
    return _login(url, str(answer["access_token"]), expires.isoformat(timespec="seconds").replace("+00:00", "Z"))


def wait_for_token(
    client: Client, client_id: str, asked: dict[str, Any], sleep: Callable[[float], object] = time.sleep
) -> dict[str, Any]:
    """The token's answer, once somebody has approved what was ``asked``.

    Asks as often as the server wants, more seldom when it says so or cannot be reached. Raises CommandError when it
    was denied or nobody approved in time.
    """
    fields = {"grant_type": _GRANT, "device_code": asked["device_code"], "client_id": client_id}
    interval, ends = float(asked.get("interval", 5)), time.monotonic() + float(asked["expires_in"])
    while time.monotonic() < ends:
        sleep(interval)
        try:
            answer: dict[str, Any] = client.call("POST", "/v1/oauth/token", fields)
        except CallError as error:
            interval += _more(error, interval)
        else:
            return answer
    raise CommandError("Nobody approved this in time; run 'sheetport login' again.")


def _more(error: CallError, interval: float) -> float:
    """How many seconds longer to wait between two tries. Raises the error when another try is of no use."""
    if error.word == "authorization_pending":
        return 0
    if error.word == "slow_down":
        return _SLOWER
    if error.status == 0 or error.status >= 500:
        return interval
    raise error


def _show(asked: dict[str, Any]) -> None:
    err.print(f"Open {asked['verification_uri']} in a browser, on this or any device, and enter:", markup=False)
    err.print(f"\n    {asked['user_code']}\n", markup=False)
    filled = asked.get("verification_uri_complete")
    if filled:
        err.print(f"Or open {filled} and compare the code.", markup=False)
    minutes = int(asked["expires_in"]) // 60
    err.print(f"Waiting for {minutes} minutes; Ctrl-C gives up.", markup=False)


def _login(url: str, token: str, expires: str) -> Login:
    """What is kept of the sign-in. Who it is of is asked of the server; without the permission to read users, an id."""
    with Client(url, token) as client:
        told = client.call("POST", "/v1/oauth/introspect", {"token": token})
        user = str(told["sub"])
        try:
            user = str(client.data("GET", f"/v1/users/{quote(user, safe='')}")["email"])
        except CallError as error:
            if error.status not in (403, 404):
                raise
    return Login(url, user, token, str(told["jti"]), expires)
