"""Values that must not be read from what a server leaves: sending them through it, and looking for them."""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from servers.sheetport import SheetportServer

_WIDTH = 8


def forms(value: str) -> Iterator[bytes]:
    """The ways a value could lie in a file: as it is, as UTF-16, hexadecimal, and Base64 at each of its offsets."""
    raw = value.encode()
    yield from (raw, raw.hex().encode(), raw.hex().upper().encode(), quote(value, safe="").encode())
    yield from (value.encode("utf-16-le"), value.encode("utf-16-be"))
    for before, cut in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(b"\0" * before + raw)[cut:-4]
        yield from (encoded, encoded.replace(b"+", b"-").replace(b"/", b"_"))


class Search:
    """Looks for many values in many bytes at once.

    Every eighth place of a text is looked at: whatever has 15 bytes or more covers eight from such a place on, and
    these eight are known for each of a form's first eight offsets.
    """

    def __init__(self, values: list[str]) -> None:
        self._known: dict[bytes, set[tuple[str, bytes]]] = {}
        for value in values:
            for form in set(forms(value)):
                assert len(form) >= 2 * _WIDTH - 1, "too short to be found"
                for start in range(_WIDTH):
                    self._known.setdefault(form[start : start + _WIDTH], set()).add((value, form))

    def found(self, text: bytes) -> set[str]:
        """The values that the bytes hold in some form."""
        known = self._known
        places = (text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH))
        near = {piece for piece in places if piece in known}
        return {value for piece in near for value, form in known[piece] if form in text}


def found(values: list[str], files: list[Path]) -> list[str]:
    """The values that some file holds in some form, with the file. Archives are looked into."""
    search = Search(values)
    return [f"{value[:9]}… in {name}" for name, text in _texts(files) for value in search.found(text)]


def _texts(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    for path in files:
        try:
            yield str(path), path.read_bytes()
        except FileNotFoundError:
            continue  # a running database takes files away
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                yield from ((f"{path}: {name}", archive.read(name)) for name in archive.namelist())


def files_of(server: SheetportServer, *more: Path) -> list[Path]:
    """Everything the server has written: databases, write-ahead logs, what else is in its folder, and its log.

    ``more`` are folders beside it: of a backup, of PostgreSQL, of temporary files.
    """
    folders = (server.data, *more)
    return [*(path for folder in folders for path in folder.rglob("*") if path.is_file()), server.log]


class Canaries:
    """Sends values through a server and remembers them."""

    def __init__(self, server: SheetportServer, each: int) -> None:
        self.server = server
        self.each = each
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
        for number in range(self.each // 2):
            secret, variable = f"canary-secret-{number:03}-wQ7zR", f"canary-variable-{number:03}-kT4pX"
            self.secrets += [secret, variable]
            body = {"name": f"S{number}", "value": secret, "environmentId": self.environment}
            self.call("POST", "/v1/secrets", body, self.key)
            path = f"/v1/environments/{self.environment}/variables/V{number}"
            self.call("PUT", path, {"value": variable}, self.key)
        held = self.call("GET", f"/v1/secrets?environmentId={self.environment}", token=self.key)["data"]
        assert {secret["value"] for secret in held} == set(self.secrets[::2])

    def change_secrets(self) -> None:
        """Values that wait, are discarded, come back, and are deleted; values under other keys."""
        held = self.call("GET", f"/v1/secrets?environmentId={self.environment}", token=self.key)["data"]
        for number, secret in enumerate(held[: self.each // 4]):
            path = f"/v1/secrets/{secret['id']}"
            for word, pending in (("pending", True), ("rotated", False)):
                value = f"canary-{word}-{number:03}-hB3sL"
                self.secrets.append(value)
                self.call("POST", f"{path}/rotate", {"value": value, "pending": pending}, self.key)
            self.call("POST", f"{path}/rollback", {}, self.key)
            if number % 3 == 0:
                self.call("DELETE", path, token=self.key)
        self.call("POST", f"/v1/secrets/rekey?environmentId={self.environment}", token=self.key)

    def make_tokens(self) -> None:
        """Every kind of token there is; some are ended by what names them, some sent where none belongs."""
        signed_in = self.call("POST", "/v1/auth", {"email": self.server.email, "password": self.server.password})
        user, account, access = signed_in["userId"], signed_in["accountId"], signed_in["accessToken"]
        self.tokens += [access, self.call("POST", "/v1/auth/refresh-token", token=access)["accessToken"]]
        for number in range(self.each // 5):
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
        self.call("GET", f"/space/x?token={wrong}")
        self.call("POST", f"/v1/internal/spaces/init?publishableKey={wrong}", {}, expect=401)
        refused = self.server.request("GET", "/v1/environments", headers={"Authorization": f"Basic {wrong}"})
        assert refused.status == 401

    def try_passwords(self) -> None:
        """Wrong ones, for a user there is and for none, and where no password belongs."""
        for number in range(self.each - 1):
            wrong = f"canary password {number:03} mN8cJ"
            self.passwords.append(wrong)
            email = self.server.email if number % 2 else f"nobody{number}@example.com"
            self.call("POST", "/v1/auth", {"email": email, "password": wrong}, expect=401)
            if number % 10 == 0:
                self.call("POST", f"/v1/auth?password={quote(wrong)}", b"{" + wrong.encode(), expect=400)

    @property
    def all(self) -> list[str]:
        return self.secrets + self.tokens + self.passwords
