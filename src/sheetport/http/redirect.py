"""The plain-HTTP side of a TLS server: leads to the same address by HTTPS, and serves nothing itself."""

from __future__ import annotations

import re
from typing import Any

from sheetport.config import HttpSettings
from sheetport.http.errors import error_body
from sheetport.kernel.json import dumps

_HOST = re.compile(r"(?P<name>[A-Za-z0-9.\-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
_SECURE_PORT = 443


class Redirect:
    """Answers 308, after which a client repeats method and body."""

    def __init__(self, http: HttpSettings) -> None:
        self._http = http

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._drain(receive)
        origin = self._origin(dict(scope["headers"]).get(b"host", b"").decode("latin-1"))
        if origin is None:
            headers, status = [], 400
            content = error_body(("Host", "The Host header names no host; send the one you connect to."))
        else:
            query = b"?" + scope["query_string"] if scope["query_string"] else b""
            headers = [(b"location", origin.encode() + scope["raw_path"] + query), (b"cache-control", b"no-store")]
            content, status = error_body(("scheme", "This server speaks HTTPS; follow the Location header.")), 308
        body = dumps(content).encode()
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _drain(self, receive: Any) -> None:
        """Take the body in, so that its sender reads the answer; not more than any route would."""
        size, more = 0, True
        while more and size <= self._http.drain_limit:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)

    def _origin(self, host: str) -> str | None:
        if self._http.public_url and self._http.public_url.startswith("https://"):
            return self._http.base_url
        found = _HOST.fullmatch(host)
        if found is None:
            return None
        return f"https://{found['name']}" + (f":{self._http.port}" if self._http.port != _SECURE_PORT else "")
