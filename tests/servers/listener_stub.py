"""A small server that speaks the routes a listener needs: subscription, event stream, secrets, jobs, data.

It is the counterpart for the Python listener and for the Node clients in tests that need to break the
connection, refuse a token or repeat an event at will, which the real server cannot be asked to do.
"""

from __future__ import annotations

import gzip
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "sk_test_listener"
ENVIRONMENT = "us_env_1"
FIRST_POSITION = 17_000_000_000_000_000


@dataclass(frozen=True)
class Call:
    """One request as it arrived; ``connection`` numbers the TCP connection it came on."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    connection: tuple[str, int]


@dataclass
class Stub:
    """What the server answers, and what it was asked."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    events: list[tuple[int, Any]] = field(default_factory=list)
    secrets: list[dict[str, str]] = field(default_factory=list)
    refuse: dict[str, tuple[int, str]] = field(default_factory=dict)
    data: Any = field(default_factory=dict)
    broken_polls: int = 0
    broken_answers: int = 0
    hold: float = 20.0
    token_number: int = 1
    lock: threading.Condition = field(default_factory=threading.Condition)

    def publish(self, *events: Any) -> None:
        """Puts events on the stream, all in one answer when a poll is waiting."""
        with self.lock:
            for event in events:
                self.events.append((FIRST_POSITION + len(self.events) + 1, event))
            self.lock.notify_all()

    def revoke_token(self) -> None:
        """From now on the subscription token handed out last is refused, also in the poll that waits."""
        with self.lock:
            self.token_number += 1
            self.lock.notify_all()

    def of(self, part: str) -> list[Call]:
        """The calls whose path contains ``part``, in order."""
        with self.lock:
            return [call for call in self.calls if part in call.path]

    def job_calls(self) -> list[tuple[str, Any]]:
        """What was said about jobs: ("JOB/ack", body) and so on."""
        return [(call.path.split("/v1/jobs/")[1], call.body) for call in self.of("/v1/jobs/")]


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    stub: Stub

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        """Quiet: the tests look at ``stub.calls``."""

    def do_GET(self) -> None:
        """Reads."""
        self.answer()

    def do_POST(self) -> None:
        """Job steps."""
        self.answer()

    def do_PUT(self) -> None:
        """Changed records."""
        self.answer()

    def answer(self) -> None:
        """Notes the call and answers it."""
        address = urlsplit(self.path)
        length = int(self.headers.get("Content-Length", 0))
        raw = self.rfile.read(length)
        if self.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        body = json.loads(raw) if raw else None
        headers = {key.lower(): value for key, value in self.headers.items()}
        path = address.path.replace("//", "/")
        call = Call(self.command, path, parse_qs(address.query), headers, body, self.client_address)
        with self.stub.lock:
            self.stub.calls.append(call)
        for part, (status, message) in self.stub.refuse.items():
            if part in path:
                self.send(status, {"errors": [{"key": "general", "message": message}]})
                return
        if path.startswith("/v2/subscribe/"):
            self.poll(call)
        elif path.startswith("/v2/presence/"):
            self.send(200, {"status": 200, "action": "leave"})
        elif path.startswith("/time/0"):
            self.send(200, [FIRST_POSITION])
        else:
            self.send(*self.api(call))

    def api(self, call: Call) -> tuple[int, Any]:
        """Status and body of a call to the API."""
        if call.headers.get("authorization") != f"Bearer {KEY}":
            return 401, {"errors": [{"key": "auth", "message": "Send a valid token."}]}
        if call.path.endswith("/v1/subscription"):
            token = f"stream-token-{self.stub.token_number}"
            return 200, {"data": {"subscribeKey": "sub-c-1", "accountId": "us_acc_1", "token": token, "ttl": 60}}
        if call.path.endswith("/v1/secrets"):
            return 200, {"data": self.stub.secrets}
        if call.path.endswith("/v1/workbooks"):
            return 200, {"data": [{"id": "us_wb_1", "name": "Book", "environmentId": ENVIRONMENT}]}
        return 200, {"data": self.stub.data}

    def poll(self, call: Call) -> None:
        """The long poll: answers at once with later events, else holds."""
        stub = self.stub
        channel = call.path.split("/")[4]
        with stub.lock:
            if stub.broken_polls > 0 and "tt" in call.query:
                stub.broken_polls -= 1
                self.close_connection = True
                return
            after = int(call.query.get("tt", ["0"])[0])
            token = call.query["auth"][0]

            def ready() -> bool:
                return after == 0 or any(at > after for at, _ in stub.events) or self.refused(token)

            stub.lock.wait_for(ready, stub.hold)
            if self.refused(token):
                denied = {"error": True, "message": "Token is expired.", "service": "Access Manager", "status": 403}
                self.send(403, denied)
                return
            newest = stub.events[-1][0] if stub.events else FIRST_POSITION
            messages = [self.message(channel, *one) for one in stub.events if after and one[0] > after]
            if stub.broken_answers > 0 and messages:
                stub.broken_answers -= 1
                self.send_text(200, '{"t": {"t": "17')
                return
            self.send(200, {"t": {"t": str(newest), "r": 1}, "m": messages})

    def refused(self, token: str) -> bool:
        """Whether a subscription token is not the newest."""
        return token != f"stream-token-{self.stub.token_number}"

    def message(self, channel: str, position: int, event: Any) -> dict[str, Any]:
        """One message of the stream."""
        time = {"t": str(position), "r": 1}
        return {"a": "0", "f": 0, "p": time, "k": "sub-c-1", "c": channel, "d": event}

    def send(self, status: int, body: Any) -> None:
        """A JSON answer."""
        self.send_text(status, json.dumps(body))

    def send_text(self, status: int, text: str) -> None:
        """An answer of that text, called JSON."""
        data = text.encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True  # the client went away while its poll was held


class Server(ThreadingHTTPServer):
    """Does not wait for held polls when it stops."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error here."""


@contextmanager
def listener_stub(port: int = 0, stub: Stub | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Stub]:
    """The stub on 127.0.0.1, with ``tls`` over https; give ``port`` and ``stub`` to bring one back where it was."""
    state = stub or Stub()
    server = Server(("127.0.0.1", port), type("BoundHandler", (Handler,), {"stub": state}))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    state.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        with state.lock:
            state.lock.notify_all()
        thread.join()
