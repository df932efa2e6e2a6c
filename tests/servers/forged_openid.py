"""An OpenID provider that says whatever a test wants: what a hostile or broken one would."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jws
from joserfc.jwk import RSAKey

KID = "key-1"


@cache
def _first_key() -> RSAKey:
    """One for all that are started: it takes longer than all else of one."""
    return RSAKey.generate_key(2048)


@dataclass
class ForgedProvider:
    """What it answers. ``claims`` stand in each ID token over those of a right one, None takes one away."""

    issuer: str = ""
    key: RSAKey = field(default_factory=_first_key, repr=False)
    kid: str = KID
    client_id: str = "forged"
    claims: dict[str, Any] = field(default_factory=dict)
    discovery: dict[str, Any] = field(default_factory=dict)
    #: Makes the whole ID token in place of the right one.
    make: Callable[[ForgedProvider], str] | None = None
    #: By path, a whole answer in place of the right one.
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    nonce: str = ""
    seen: list[dict[str, str]] = field(default_factory=list, repr=False)

    def begun(self, url: str) -> str:
        """Take an authorization request in; its state."""
        asked = parse_qs(urlsplit(url).query)
        self.nonce = asked["nonce"][0]
        return asked["state"][0]

    def right_claims(self) -> dict[str, Any]:
        now = int(time.time())
        told = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": "ada",
            "nonce": self.nonce,
            "iat": now,
            "exp": now + 60,
        }
        told |= {"email": "admin@example.com", "email_verified": True, "name": "Ada"}
        return {name: value for name, value in {**told, **self.claims}.items() if value is not None}

    def signed(
        self, header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None, key: Any = None
    ) -> str:
        """An ID token."""
        named = {"alg": "RS256", "kid": self.kid, **(header or {})}
        payload = json.dumps(self.right_claims() if claims is None else claims)
        registry = jws.JWSRegistry(algorithms=["RS256", "HS256"], strict_check_header=False)
        return jws.serialize_compact(named, payload, key or self.key, registry=registry)

    def answer(self, path: str) -> tuple[int, bytes]:
        if path in self.answers:
            return self.answers[path]
        public = self.key.as_dict(private=False) | {"kid": self.kid, "use": "sig"}
        told: dict[str, Any] = {
            "/.well-known/openid-configuration": {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/auth",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                **self.discovery,
            },
            "/jwks": {"keys": [public]},
            "/token": {
                "access_token": "at",
                "token_type": "Bearer",
                "id_token": self.make(self) if self.make else self.signed(),
            },
        }
        return (200, json.dumps(told[path]).encode()) if path in told else (404, b"{}")


@contextmanager
def running_forger() -> Iterator[ForgedProvider]:
    """One that runs, on this machine."""
    made = ForgedProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            made.seen.append({name: each[0] for name, each in parse_qs(self.rfile.read(length).decode()).items()})
            status, content = made.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - what the base class calls it

        def log_message(self, *_: Any) -> None:
            """Nothing: the tests' output is theirs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
