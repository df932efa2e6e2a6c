"""The server fixture runs the real commands: it starts, answers, restarts on its data and stops cleanly."""

from __future__ import annotations

import signal
from collections.abc import Callable

from servers.data_places import DataPlace
from servers.sheetport import SheetportServer


def test_a_server_lives_through_a_crash(data_place: DataPlace, server: Callable[..., SheetportServer]) -> None:
    one = server(data_place)
    key = one.development["secretKey"]
    made = one.request("POST", "/v1/spaces", {"name": "Here", "environmentId": one.development["id"]}, key)
    assert made.status == 200, made
    one.restart(signal.SIGKILL)
    seen = one.request("GET", f"/v1/spaces/{made.body['data']['id']}", token=key)
    assert (seen.status, seen.body["data"]["name"]) == (200, "Here")
    assert one.request("GET", "/v1/spaces").status == 401


def test_commands_find_the_server_beside_them(server: Callable[..., SheetportServer]) -> None:
    one = server()
    printed = one.command("env", "development")
    assert printed.returncode == 0, printed.stderr
    assert f"FLATFILE_ENVIRONMENT_ID={one.development['id']}" in printed.stdout.replace('"', "")


def test_two_servers_know_nothing_of_each_other(server: Callable[..., SheetportServer]) -> None:
    one, other = server(), server()
    assert one.url != other.url
    assert other.request("GET", "/v1/spaces", token=one.development["secretKey"]).status == 401
