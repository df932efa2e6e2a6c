"""300 secrets, tokens and passwords go through a server; none of them can be read from its files or its log."""

from __future__ import annotations

import base64
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from servers.sheetport import SheetportServer

EACH = 100


def forms(value: str) -> Iterator[bytes]:
    """The ways a value could lie in a file: as it is, hexadecimal, and Base64 at each of its three offsets."""
    raw = value.encode()
    yield from (raw, raw.hex().encode(), raw.hex().upper().encode(), quote(value, safe="").encode())
    for before, cut in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(b"\0" * before + raw)[cut:-4]
        yield from (encoded, encoded.replace(b"+", b"-").replace(b"/", b"_"))


def found(values: list[str], files: list[Path]) -> list[str]:
    """The values that some file holds in some form, with the file."""
    texts = [(path, path.read_bytes()) for path in files]
    return [
        f"{value[:9]}… in {path}" for value in values for path, text in texts if any(f in text for f in forms(value))
    ]


def files_of(server: SheetportServer) -> list[Path]:
    """Everything the server has written: database, write-ahead log, what else is in its directory, and its log."""
    return [*(path for path in server.data.rglob("*") if path.is_file()), server.log]


class Canaries:
    """Sends values through a server and remembers them."""

    def __init__(self, server: SheetportServer) -> None:
        self.server = server
        self.key = str(server.development["secretKey"])
        self.environment = str(server.development["id"])
        self.secrets: list[str] = []
        self.tokens: list[str] = [self.key, str(server.production["secretKey"])]
        self.passwords: list[str] = [server.password]

    def call(self, method: str, path: str, body: Any = None, token: str | None = None, expect: int = 200) -> Any:
        answer = self.server.request(method, path, body, token)
        assert answer.status == expect, (method, path.partition("?")[0], answer.status, answer.body)
        return answer.body

    def put_secrets(self) -> None:
        for number in range(EACH // 2):
            secret, variable = f"canary-secret-{number:03}-wQ7zR", f"canary-variable-{number:03}-kT4pX"
            self.secrets += [secret, variable]
            body = {"name": f"S{number}", "value": secret, "environmentId": self.environment}
            self.call("POST", "/v1/secrets", body, self.key)
            path = f"/v1/environments/{self.environment}/variables/V{number}"
            self.call("PUT", path, {"value": variable}, self.key)
        held = self.call("GET", f"/v1/secrets?environmentId={self.environment}", token=self.key)["data"]
        assert {secret["value"] for secret in held} == set(self.secrets[::2])

    def make_tokens(self) -> None:
        """Every kind of token there is; some are ended by what names them, some sent where none belongs."""
        signed_in = self.call("POST", "/v1/auth", {"email": self.server.email, "password": self.server.password})
        user, account, access = signed_in["userId"], signed_in["accountId"], signed_in["accessToken"]
        self.tokens += [access, self.call("POST", "/v1/auth/refresh-token", token=access)["accessToken"]]
        for number in range(EACH // 5):
            self._keys_and_pats(number, access)
            made = self.call("POST", f"/v1/users/{user}/api-token?tenantId={account}", token=access)["data"]
            exchanged = self.call("POST", "/v1/auth", {"clientId": made["clientId"], "secret": made["secret"]})
            space = {"name": "space", "environmentId": self.environment}
            opened = self.call("POST", "/v1/spaces", space, self.key)["data"]["accessToken"]
            self.tokens += [made["secret"], exchanged["accessToken"], opened]
            self._follow(number, opened)
            self._misplace(number)

    def _keys_and_pats(self, number: int, access: str) -> None:
        query = f"?environmentId={self.environment}"
        keys = self.call("POST", f"/v1/auth/api-key{query}&type=SECRET", token=access)["data"]
        (raw,) = [key["rawKey"] for key in keys if key.get("rawKey", "").startswith("sk_")]
        pat = self.call("POST", "/v1/auth/personal-access-tokens", {"name": f"pat {number}"}, access)["data"]["token"]
        self.call("GET", "/v1/environments", token=pat)
        self.call("DELETE", f"/v1/auth/api-key{query}&key={raw}", token=access)
        self.call("GET", "/v1/environments", token=raw, expect=401)
        self.tokens += [raw, pat]

    def _follow(self, number: int, space_token: str) -> None:
        token = self.call("GET", "/v1/subscription", token=space_token if number % 2 else self.key)["data"]["token"]
        self.tokens.append(token)
        if number % 2 == 0:
            self.call("GET", f"/v2/subscribe/sub-c-sheetport/environment.{self.environment}/0?auth={quote(token)}&tt=0")
        self.call("GET", f"/v2/subscribe/sub-c-sheetport/environment.other/0?auth={quote(token)}&tt=0", expect=403)

    def _misplace(self, number: int) -> None:
        """A token that is none, in a query, a body, a path, a name of something and another scheme."""
        wrong = f"sk_dev_canaryMisplaced{number:03}hG5vB"
        self.tokens.append(wrong)
        self.call("GET", f"/v1/environments?token={wrong}&key={wrong}&access_token={wrong}", token=wrong, expect=401)
        self.call("POST", "/v1/auth", {"clientId": wrong, "secret": wrong}, expect=401)
        self.call("GET", f"/space/x?token={wrong}", expect=404)
        self.call("POST", f"/v1/internal/spaces/init?publishableKey={wrong}", {}, expect=401)
        refused = self.server.request("GET", "/v1/environments", headers={"Authorization": f"Basic {wrong}"})
        assert refused.status == 401

    def try_passwords(self) -> None:
        """Wrong ones, for a user there is and for none, and where no password belongs."""
        for number in range(EACH - 1):
            wrong = f"canary password {number:03} mN8cJ"
            self.passwords.append(wrong)
            email = self.server.email if number % 2 else f"nobody{number}@example.com"
            self.call("POST", "/v1/auth", {"email": email, "password": wrong}, expect=401)
            if number % 10 == 0:
                self.call("POST", f"/v1/auth?password={quote(wrong)}", b"{" + wrong.encode(), expect=400)

    @property
    def all(self) -> list[str]:
        return self.secrets + self.tokens + self.passwords


@pytest.fixture
def canaries(server: Callable[..., SheetportServer]) -> Canaries:
    return Canaries(server())


def test_nothing_secret_can_be_read_from_what_a_server_leaves(canaries: Canaries) -> None:
    canaries.put_secrets()
    canaries.make_tokens()
    canaries.try_passwords()
    assert [len(canaries.secrets), len(canaries.passwords)] == [EACH, EACH]
    assert len(canaries.tokens) >= EACH
    files = files_of(canaries.server)
    assert any(path.name.endswith("-wal") and path.stat().st_size for path in files)
    assert found([canaries.environment], files), "the scan does not see what is there"
    assert found(canaries.all, files) == []
    canaries.server.kill(signal.SIGKILL)
    assert found(canaries.all, files_of(canaries.server)) == []
    canaries.server.start()
    canaries.server.stop()
    assert found(canaries.all, files_of(canaries.server)) == []


def test_the_search_sees_a_value_in_every_form(tmp_path: Path) -> None:
    value, path = "canary-secret-x?~-wQ7zR", tmp_path / "file"
    raw = value.encode()
    padded = [b"a" * before + raw + b"zz" for before in range(3)]
    shown = [raw, raw.hex().encode(), raw.hex().upper().encode(), quote(value).encode()]
    shown += [encode(text) for text in padded for encode in (base64.b64encode, base64.urlsafe_b64encode)]
    for text in shown:
        path.write_bytes(b"before " + text + b" after")
        assert found([value], [path]), text
    path.write_bytes(b"nothing")
    assert found([value], [path]) == []
