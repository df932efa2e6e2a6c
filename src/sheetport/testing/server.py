"""A whole server on loopback, in a thread of this process, whose data is gone with it."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import uvloop

from sheetport.bootstrap import Application
from sheetport.config import HttpSettings, LogSettings, Settings, StorageSettings, default_key_file
from sheetport.features.setup.model import FreshEnvironment
from sheetport.listener.client import Connection, said
from sheetport.runtime.server import accepting
from sheetport.runtime.set_up import PLACEHOLDER_EMAIL, initialise, open_for_serving
from sheetport.runtime.sockets import Sockets, bind
from sheetport.storage import data_directory

#: So long a start may take, in seconds, on a machine that does much else.
START_SECONDS = 60.0
STOP_SECONDS = 30.0


class CallFailed(Exception):
    """The server refused a call: ``status`` is the HTTP status, the message what the server said."""

    def __init__(self, method: str, path: str, status: int, message: str) -> None:
        super().__init__(f"{method} {path} answered {status}: {message}")
        self.status = status


class TestServer:
    """A server of its own with an empty ``development`` environment; use it with ``with`` or ``async with``.

    It reads none of the process's variables, and its data, in a temporary folder, is deleted at the end. Once
    started it has ``url``, ``environment_id``, ``key`` (a secret key) and ``publishable_key``.
    """

    __test__ = False  # no class of tests, whatever its name

    url: str
    environment_id: str
    key: str
    publishable_key: str

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._stop: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    def start(self) -> Self:
        """Start; returns once requests are answered. Raises what kept the server from starting."""
        if self._thread is not None:
            raise RuntimeError("This TestServer runs already; make another.")
        started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="sheetport test server", daemon=True)
        self._thread.start()
        try:
            started.result(START_SECONDS)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop and delete the data; again does nothing. Raises RuntimeError when the server does not end."""
        thread, self._thread = self._thread, None
        stop, self._stop = self._stop, None
        if thread is None:
            return
        if stop is not None and thread.is_alive():
            stop[0].call_soon_threadsafe(stop[1].set)
        thread.join(STOP_SECONDS)
        if thread.is_alive():
            raise RuntimeError(f"The test server at {self.url} did not end within {STOP_SECONDS:.0f} seconds.")

    def connection(self, scope: str | None = None) -> Connection:
        """Where and as whom to listen: to a space whose id is given, else to the whole environment."""
        return Connection(self.url, self.key, scope or self.environment_id)

    def variables(self) -> dict[str, str]:
        """What programs read to find this server and its key."""
        return {
            "FLATFILE_API_URL": self.url,
            "AGENT_INTERNAL_URL": self.url,
            "FLATFILE_API_KEY": self.key,
            "FLATFILE_BEARER_TOKEN": self.key,
            "FLATFILE_ENVIRONMENT_ID": self.environment_id,
        }

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
        """One call to the API, such as ``call("POST", "/v1/spaces", {...})``: the answer's ``data``, else its JSON.

        Raises CallFailed at 400 and above. ``token`` is by default the secret key.
        """
        headers = {"Authorization": f"Bearer {token or self.key}"}
        with httpx.Client(trust_env=False, timeout=30) as client:
            response = client.request(method, self.url + path, json=body, headers=headers)
        if response.status_code >= 400:
            raise CallFailed(method, path, response.status_code, said(response))
        answer = response.json()
        return answer["data"] if isinstance(answer, dict) and "data" in answer else answer

    def _run(self, started: Future[None]) -> None:
        # Signals are the program's own: threads that the server makes inherit this.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            with tempfile.TemporaryDirectory(prefix="sheetport-test-") as folder:
                self._serve(Path(folder) / "data", started)
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    def _serve(self, data: Path, started: Future[None]) -> None:
        sockets = bind(HttpSettings(port=0))
        try:
            settings = Settings(
                StorageSettings(data, default_key_file(data)),
                HttpSettings(port=sockets.main.getsockname()[1]),
                logs=LogSettings(access="off"),
                rate_limits=False,
            )
            made = initialise(settings, PLACEHOLDER_EMAIL, None).result
            self.url = settings.http.base_url
            self._know(made.environments[0])
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._main(settings, sockets, started))
        finally:
            sockets.close()

    def _know(self, fresh: FreshEnvironment) -> None:
        self.environment_id, self.key = fresh.environment.id, fresh.secret_token
        self.publishable_key = fresh.publishable_token

    async def _main(self, settings: Settings, sockets: Sockets, started: Future[None]) -> None:
        stop = asyncio.Event()
        self._stop = asyncio.get_running_loop(), stop
        db = await open_for_serving(settings, data_directory.load_keys(settings.storage))
        try:
            app = Application(settings, db)
            async with app.running(), accepting(app, settings.http, sockets):
                started.set_result(None)
                await stop.wait()
        finally:
            await db.close()
