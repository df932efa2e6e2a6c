"""``sheetport login`` without a password: it shows a code, and goes on once somebody has approved it in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cli.conftest import Shell, end
from servers.sheetport import SheetportServer
from sheetport.cli.client import CallError, Client
from sheetport.cli.device_login import wait_for_token

CODE = re.compile(r"[B-Z]{4}-[B-Z]{4}")


def decide(server: SheetportServer, code: str, do: str) -> None:
    """What a person does in a browser."""
    with httpx.Client(base_url=server.url, follow_redirects=True) as browser:

        def send(page: str, path: str, **fields: str) -> str:
            found = re.search(r'name="form_token" value="([^"]+)"', browser.get(page).text)
            assert found is not None
            return browser.post(path, data={**fields, "form_token": found[1]}).text

        send("/", "/sign-in", email=server.email, password=server.password)
        assert {"approve": "Approved", "deny": "Denied"}[do] in send("/device", "/device", do=do, user_code=code)


def test_a_code_is_shown_and_the_token_is_kept_for_its_owner_until_logout(shell: Shell) -> None:
    process = shell.start("login", "--server", f"{shell.server.url}/v1/")
    try:
        assert process.stderr is not None
        told = process.stderr.readline()
        assert f"Open {shell.server.url}/device in a browser" in told
        code = next(found[0] for line in process.stderr if (found := CODE.search(line)))
        decide(shell.server, code, "approve")
        printed, rest = process.communicate(timeout=20)
    finally:
        end(process)
    assert (process.returncode, printed) == (0, "")
    assert f"Signed in to {shell.server.url} as {shell.server.email}, until 20" in rest
    path = shell.folder / "config" / "sheetport" / "credentials.json"
    assert path.stat().st_mode & 0o777 == 0o600
    kept = json.loads(path.read_text())
    assert kept["token"].startswith("pat_")
    assert kept["token"] not in rest
    listed = next(line for line in shell.printed("token", "list").splitlines() if kept["token_id"] in line)
    assert re.search(r"sheetport on .* \(device login\)", listed)
    assert shell.type("logout").stderr == "Signed out.\n"
    assert (shell.status(kept["token"]), path.exists()) == (401, False)


def waited(server: SheetportServer, at_last: Callable[[str], Any]) -> tuple[list[float], Any]:
    """How long a program waits that never really does, until the fourth time, and what it gets."""
    spans: list[float] = []
    with Client(server.url) as client:
        asked = client.call("POST", "/v1/oauth/device_authorization", {"client_id": "test"})

        def sleep(seconds: float) -> None:
            spans.append(seconds)
            if len(spans) == 4:
                at_last(asked["user_code"])

        try:
            return spans, wait_for_token(client, "test", asked, sleep)
        except CallError as error:
            return spans, error


@pytest.mark.parametrize("do", ["approve", "deny"])
def test_it_asks_as_often_as_the_server_wants(shared_server: SheetportServer, do: str) -> None:
    spans, got = waited(shared_server, lambda code: decide(shared_server, code, do))
    assert spans == [5, 5, 10, 15]
    if do == "approve":
        assert got["access_token"].startswith("pat_")
    else:
        assert (got.word, str(got)) == ("access_denied", "This sign-in was refused.")


def test_a_server_that_is_gone_for_a_moment_is_asked_again(shell: Shell) -> None:
    nowhere = "http://127.0.0.1:9"
    spans: list[float] = []

    def sleep(seconds: float) -> None:
        spans.append(seconds)
        if len(spans) == 4:
            raise KeyboardInterrupt

    asked = {"device_code": "x", "interval": 5, "expires_in": 600}
    with Client(nowhere) as client, pytest.raises(KeyboardInterrupt):
        wait_for_token(client, "test", asked, sleep)
    assert spans == [5, 10, 20, 40]
    assert "cannot be reached" in shell.refused("login", "--server", nowhere)
