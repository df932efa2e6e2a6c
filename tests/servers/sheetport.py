"""The real ``sheetport`` command as a server: what a user types, on a free port, with data of its own."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from shutil import copy2, copytree, rmtree
from tempfile import mkdtemp
from typing import Any, NamedTuple

from servers.commands import Command, run_command
from servers.data_places import DataPlace
from servers.postgres import PostgresCluster, cluster_of, database_name

EMAIL, PASSWORD = "owner@example.com", "correct horse battery staple 9"
READY_SECONDS = 30
STOP_SECONDS = 10
#: Settings of the caller's shell that must not leak into a server or a client under test.
FOREIGN = ("FLATFILE_", "AGENT_INTERNAL_URL", "SHEETPORT_", "WEBHOOK_URL", "NODE_OPTIONS", "NODE_PATH")


class Answer(NamedTuple):
    """``body`` is the parsed JSON where the answer is JSON, else bytes."""

    status: int
    body: Any
    headers: Mapping[str, str]


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without foreign settings, with rate limits off, then ``extra``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**kept, "SHEETPORT_RATE_LIMITS": "off", **(extra or {})}


def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def send(
    url: str,
    method: str,
    body: Any = None,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 30,
) -> Answer:
    """One HTTP call. ``body`` is sent as it is when bytes, else as JSON; no status raises."""
    sent = {"Accept": "application/json", **(headers or {})}
    if token:
        sent["Authorization"] = f"Bearer {token}"
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    if data is not None and not any(name.lower() == "content-type" for name in sent):
        sent["Content-Type"] = "application/json"
    request = urllib.request.Request(url, data=data, method=method, headers=sent)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return _answer(response.status, response.read(), dict(response.headers))
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error.code, error.read(), dict(error.headers))


def _answer(status: int, raw: bytes, headers: dict[str, str]) -> Answer:
    with suppress(ValueError):
        return Answer(status, json.loads(raw), headers)
    return Answer(status, raw, headers)


@dataclass(frozen=True)
class Original:
    """A server that was set up to be copied: data directory, what set-up printed, the database on PostgreSQL."""

    data: Path
    info: dict[str, Any]
    database: str | None


#: Of this process: the originals by where their data lies, and the tests that have a copy.
_made: dict[str, Original] = {}
_copied: set[str] = set()
_NOTHING: dict[str, Any] = {"environments": []}


def make_original(cluster: PostgresCluster | None) -> Original:
    """Sets a server up in a folder that is deleted when this process ends."""
    folder = Path(mkdtemp(prefix="sheetport-made-"))
    atexit.register(rmtree, folder, ignore_errors=True)
    url = cluster.new_database() if cluster else None
    place = DataPlace("postgresql" if url else "sqlite", folder / "data", url)
    info = SheetportServer(place, info=_NOTHING)._set_up()
    return Original(place.data, info, database_name(url) if url else None)


class SheetportServer:
    """``init`` was run; ``start`` runs ``serve``. ``info`` is what ``init --json`` printed.

    With ``info`` given the data is there already, and ``init`` is not run. ``executed`` has ``serve`` executed anew and
    never forked from a template: for tests of a process's beginning, memory and limits.
    """

    email, password = EMAIL, PASSWORD

    def __init__(
        self,
        place: DataPlace,
        arguments: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        port: int | None = None,
        info: dict[str, Any] | None = None,
        *,
        set_up_anew: bool = False,
        executed: bool = False,
    ) -> None:
        self.place = place
        self.data = place.data
        self.port = port or free_port()
        self.url = f"{'https' if '--tls-cert' in arguments else 'http'}://127.0.0.1:{self.port}"
        self.log = place.data.parent / f"{place.data.name}.log"
        #: SHEETPORT_DATA lets commands that take no --data find this server's socket.
        self.env = clean_environment({"SHEETPORT_DATA": str(self.data), **(env or {})})
        self._arguments = list(arguments)
        self._set_up_anew = set_up_anew or bool(env)
        self._executed = executed
        self._process: Command | None = None
        self.info: dict[str, Any] = self._init() if info is None else info
        self.environments: dict[str, dict[str, Any]] = {entry["name"]: entry for entry in self.info["environments"]}

    def _init(self) -> dict[str, Any]:
        """Set up, or a copy of what one set-up of this process has made, which is faster.

        A second server of one test is set up by itself, so that the two have nothing in common.
        """
        test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
        cluster = cluster_of(self.place.url) if self.place.url else None
        if self._set_up_anew or test in _copied or (self.place.url and cluster is None):
            return self._set_up()
        _copied.add(test)
        name = cluster.uri if cluster else "sqlite"
        if name not in _made:
            _made[name] = make_original(cluster)
        return self._copy(_made[name], cluster)

    def _copy(self, original: Original, cluster: PostgresCluster | None) -> dict[str, Any]:
        copytree(original.data, self.data)
        copy2(original.data.with_suffix(".key"), self.data.with_suffix(".key"))
        if cluster and self.place.url and original.database:
            cluster.replace_database(self.place.url, original.database)
        return deepcopy(original.info)

    def _set_up(self) -> dict[str, Any]:
        done = self.command("init", *self._place_arguments, "--email", EMAIL, "--password", PASSWORD, "--json")
        assert done.returncode == 0, f"sheetport init failed: {(done.stderr or done.stdout)[-2000:]}"
        return dict(json.loads(done.stdout))

    @property
    def _place_arguments(self) -> list[str]:
        return ["--data", str(self.data), *self.place.arguments]

    @property
    def development(self) -> dict[str, Any]:
        """id, name, isProd, secretKey and publishableKey of the environment ``development``."""
        return self.environments["development"]

    @property
    def production(self) -> dict[str, Any]:
        """The same of ``production``."""
        return self.environments["production"]

    @property
    def pid(self) -> int:
        """The process id of ``serve``, which leads its process group."""
        assert self._process is not None, "the server was not started"
        return self._process.pid

    def command(
        self, *arguments: str, stdin: str | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Runs ``sheetport ARGUMENTS``; nothing is added, so say ``--data`` where the command takes it."""
        return run_command(*arguments, stdin=stdin, timeout=timeout, env=self.env, cwd=self.data.parent)

    def start(self) -> float:
        """Runs ``serve`` until it says that it is ready; returns the seconds that took."""
        began = time.monotonic()
        seen = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = Command(
                ["serve", *self._place_arguments, "--port", str(self.port), *self._arguments],
                executed=self._executed,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.env,
                cwd=self.data.parent,
                start_new_session=True,
            )
        while time.monotonic() - began < READY_SECONDS and self._process.poll() is None:
            if f"Sheetport is ready at {self.url}".encode() in self.log.read_bytes()[seen:]:
                return time.monotonic() - began
            time.sleep(0.02)
        self.kill()
        raise AssertionError(f"sheetport serve did not get ready: {self.log.read_text(errors='replace')[-2000:]}")

    def kill(self, sig: int = signal.SIGKILL, timeout: float = STOP_SECONDS) -> int | None:
        """Signals the server's process group and waits; returns the exit status, None when none ran."""
        if self._process is None:
            return None
        process, self._process = self._process, None
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sig)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout)
            raise AssertionError(f"the server did not end within {timeout} s of signal {sig}") from None

    def stop(self) -> None:
        """SIGTERM; the server has to exit 0 within 10 seconds."""
        status = self.kill(signal.SIGTERM)
        assert status in (0, None), f"serve ended with {status}: {self.log.read_text(errors='replace')[-2000:]}"

    def restart(self, sig: int = signal.SIGTERM) -> float:
        """Ends the server by ``sig`` and starts it again on the same port and data."""
        self.kill(sig)
        return self.start()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> Answer:
        """One HTTP call to this server; see ``send``."""
        return send(self.url + path, method, body, token, headers, timeout)

    def client_variables(self, environment: str = "development", token: str | None = None) -> dict[str, str]:
        """What makes unmodified Flatfile clients talk to this server, by default with that environment's secret key."""
        entry = self.environments[environment]
        key = token or entry["secretKey"]
        return {
            "FLATFILE_API_KEY": key,
            "FLATFILE_BEARER_TOKEN": key,
            "FLATFILE_ENVIRONMENT_ID": entry["id"],
            "FLATFILE_API_URL": self.url,
            "AGENT_INTERNAL_URL": self.url,
        }
