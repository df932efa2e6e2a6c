"""A real HTTP receiver, such as a developer's webhook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any, NamedTuple


class Posted(NamedTuple):
    """One POST: its path, its headers by lower-case name, and its parsed JSON body."""

    path: str
    headers: dict[str, str]
    body: Any


class Receiver:
    """``url`` takes POSTs and answers 200; ``posted`` has them in order."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/webhook/flatfile"
        self.posted: Queue[Posted] = Queue()


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """A receiver on a free port, gone at the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            receiver.posted.put(Posted(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """The tests' output is not for requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(server.server_port)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
