"""A transit engine as Vault and OpenBao offer one over HTTP, as far as a key file needs it: it really encrypts."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "hvs.of-the-test"


class Transit(BaseHTTPRequestHandler):
    """``POST /v1/transit/encrypt|decrypt/NAME`` for one key and one token."""

    key = "sheetport"
    secret = secrets.token_bytes(32)
    calls = 0

    def do_POST(self) -> None:
        type(self).calls += 1
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers.get("X-Vault-Token") != TOKEN:
            self._answer(403, {"errors": ["permission denied"]})
        elif self.path == f"/v1/transit/encrypt/{self.key}":
            nonce = secrets.token_bytes(12)
            sealed = nonce + AESGCM(self.secret).encrypt(nonce, base64.b64decode(body["plaintext"]), None)
            self._answer(200, {"data": {"ciphertext": f"vault:v1:{base64.b64encode(sealed).decode()}"}})
        elif self.path == f"/v1/transit/decrypt/{self.key}":
            self._decrypt(body["ciphertext"])
        else:
            self._answer(400, {"errors": ["encryption key not found"]})

    do_PUT = do_POST  # noqa: N815 - what the base class calls it

    def _decrypt(self, ciphertext: str) -> None:
        try:
            sealed = base64.b64decode(ciphertext.removeprefix("vault:v1:"))
            opened = AESGCM(self.secret).decrypt(sealed[:12], sealed[12:], None)
        except (InvalidTag, ValueError):
            self._answer(400, {"errors": ["cipher: message authentication failed"]})
            return
        self._answer(200, {"data": {"plaintext": base64.b64encode(opened).decode()}})

    def _answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing: the tests' output is theirs."""


@contextmanager
def running_transit() -> Iterator[str]:
    """The address of a running one."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Transit)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
