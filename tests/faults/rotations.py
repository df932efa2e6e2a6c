"""A server that is killed while its secrets and the keys beneath them are rotated, and what has to hold after each."""

from __future__ import annotations

import random
import signal
import threading
import time
from contextlib import suppress
from typing import Any

from servers.sheetport import Answer, SheetportServer
from sheetport.cli.errors import CommandError
from sheetport.cli.local_socket import local_socket
from sheetport.config import StorageSettings
from sheetport.storage import data_directory

SECRETS = 5
SETTLED_SECONDS = 60.0


class Rotations:
    """Rotates by four ways and remembers which values a secret may have."""

    def __init__(self, server: SheetportServer, dice: random.Random) -> None:
        self.server = server
        self._dice = dice
        self._token, self._environment = server.development["secretKey"], server.development["id"]
        #: Of each secret, what was acknowledged last, and what was asked for and never answered.
        self.acknowledged: dict[str, str] = {}
        self._doubtful: dict[str, set[str]] = {}
        self._ids: dict[str, str] = {}
        self._count = 0

    def furnish(self) -> None:
        for number in range(SECRETS):
            self.write(f"S{number}")
        listed = self._call("GET", f"/v1/secrets?environmentId={self._environment}").body["data"]
        self._ids = {each["name"]: each["id"] for each in listed}

    def write(self, name: str) -> None:
        """Set a secret to a value that was never before."""
        value = self._value(name)
        body = {"name": name, "value": value, "environmentId": self._environment}
        self._asked(name, value, self._call("POST", "/v1/secrets", body))

    def rotate(self, name: str) -> None:
        """Rotate a secret, at once or pending and promoted."""
        value, path = self._value(name), f"/v1/secrets/{self._ids[name]}"
        pending = self._dice.random() < 0.5
        answer = self._call("POST", f"{path}/rotate", {"value": value, "pending": pending, "overlapSeconds": 60})
        if pending and answer.status == 200:
            answer = self._call("POST", f"{path}/promote", {"version": answer.body["data"]["version"]})
        self._asked(name, value, answer)

    def rotate_kek(self) -> None:
        self._locally("rotate-kek")

    def rekey(self) -> None:
        self._locally("rekey-environment")

    def killed_at_random(self) -> None:
        """Rotate everything at once and kill the server somewhere in it; the server is started again."""
        work = [lambda name=name: self.rotate(name) for name in self._ids]
        work += [self.rotate_kek, self.rekey]
        self._dice.shuffle(work)
        threads = [threading.Thread(target=_quietly, args=(each,)) for each in work]
        for thread in threads:
            thread.start()
        time.sleep(self._dice.random() * 0.5)
        self.server.kill(signal.SIGKILL)
        for thread in threads:
            thread.join(30)
        self.server.start()

    def faults(self) -> list[str]:
        """What does not hold: every secret opens with a value it may have, and nothing was lost or altered."""
        listed = self._call("GET", f"/v1/secrets?environmentId={self._environment}")
        if listed.status != 200:
            return [f"secrets are not read: {listed.status} {listed.body}"]
        found = {each["name"]: each["value"] for each in listed.body["data"]}
        wrong = [
            f"{name} is not what it may be"
            for name, value in self.acknowledged.items()
            if found.get(name) not in {value, *self._doubtful.get(name, ())}
        ]
        self.acknowledged.update(found)
        self._doubtful.clear()
        verified = self._call("GET", f"/v1/secrets/verify?environmentId={self._environment}")
        if verified.status != 200 or not verified.body["data"]["sound"]:
            wrong.append(f"the rows are not sound: {verified.body}")
        return wrong

    def unfinished(self) -> str | None:
        """None once the rotation has ended by itself, within a time."""
        settings = StorageSettings(self.server.data, self.server.data.with_suffix(".key"))
        deadline, keys = time.monotonic() + SETTLED_SECONDS, []
        while time.monotonic() < deadline:
            keys = list(data_directory.load_keys(settings).keks)
            if len(keys) == 1:
                return None
            time.sleep(0.1)
        return f"the key file still holds {keys}"

    def _asked(self, name: str, value: str, answer: Answer) -> None:
        if answer.status == 200:
            self.acknowledged[name] = value

    def _value(self, name: str) -> str:
        self._count += 1
        value = f"canary {name} {self._count}"
        self._doubtful.setdefault(name, set()).add(value)
        return value

    def _locally(self, operation: str) -> None:
        with suppress(CommandError), local_socket(self.server.data) as server:
            server.call(operation)

    def _call(self, method: str, path: str, body: Any = None) -> Answer:
        return self.server.request(method, path, body, self._token)


def _quietly(work: Any) -> None:
    with suppress(OSError):
        work()
