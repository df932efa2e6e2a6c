"""What stands in front of the router: one spelling of each path, bounded and inflated bodies.

* ``/api/v1/…``, ``//v1/…`` and the flags' ``/v1/v1/…`` become ``/v1/…``, so that each route exists once.
* A gzip body is inflated, up to a limit; a body over the limit is drained, so that its sender reads the 413.
* A body of a type no route takes is refused with 415, one that comes too slowly with 408.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from sheetport.config import MEBIBYTE, HttpSettings
from sheetport.http.errors import refusal
from sheetport.kernel.errors import Invalid, SheetportError, TooLarge
from sheetport.kernel.json import dumps

_SLASHES = re.compile(r"/{2,}")
_PREFIX = re.compile(r"^/(?:api/)?(?:v1/(?=v1/))?(?P<rest>v1(?:/|$)|v2-alpha(?:/|$))")
_TYPES = (
    "application/json",
    "text/plain",
    "application/jsonl",
    "multipart/form-data",
    "application/x-www-form-urlencoded",
)
#: A NUL, which no database stores in text: escaped in JSON (an even number of backslashes is not an escape).
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
#: A body may pause this long, and beyond its first such span has to come at this many bytes a second.
PAUSE_SECONDS = 30.0
SLOWEST_BODY = 1_024
#: A gzip body longer than this is inflated off the event loop, one at a time: it may be a thousand times as long.
INLINE_GZIP = 16 * 1024


class UnsupportedType(SheetportError):
    """A body whose content type no route takes (415)."""


class TooSlow(SheetportError):
    """A body that does not come, or drips (408)."""


_STATUS = {UnsupportedType: 415, TooSlow: 408}


class FrontMiddleware:
    """What a request goes through before the router."""

    def __init__(self, app: ASGIApp, settings: HttpSettings) -> None:
        self._app = app
        self._settings = settings
        self._inflating = ThreadPoolExecutor(1, "inflate")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        if b"%00" in scope["query_string"] or "\0" in scope["path"]:
            await _refuse(send, Invalid("The address holds a NUL character (%00); leave it out.", "path"))
            return
        scope["path"] = one_spelling(scope["path"])
        scope["raw_path"] = scope["path"].encode()
        if scope["method"] in _BODY_METHODS:
            try:
                receive = await self._body(scope, receive)
            except SheetportError as error:
                await _refuse(send, error)
                return
        await self._app(scope, receive, send)

    async def _body(self, scope: HTTPScope, receive: Receive) -> Receive:
        """The whole body, inflated and within its limits, as a receive channel."""
        headers = dict(cast("list[tuple[bytes, bytes]]", scope["headers"]))
        if headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            raise Invalid("Send the body with Content-Length, or chunked and nothing else.", "Transfer-Encoding")
        if int(headers.get(b"content-length", 0)) > self._settings.drain_limit:
            raise self._too_large()
        body = await self._read(receive)
        if body and not _known_type(headers):
            raise UnsupportedType("Send the body as application/json (header Content-Type).", "Content-Type")
        encoding = headers.get(b"content-encoding", b"").lower()
        if encoding == b"gzip":
            body = await self._inflate(body)
            kept = [(n, v) for n, v in headers.items() if n not in {b"content-encoding", b"content-length"}]
            scope["headers"] = [*kept, (b"content-length", str(len(body)).encode())]
        elif encoding not in {b"", b"identity"}:
            raise UnsupportedType("Send the body plain or with Content-Encoding: gzip.", "Content-Encoding")
        if b"\\u0000" in body and not scope["path"].endswith("/records") and _NUL.search(body):
            raise Invalid(r"The body holds a NUL character (\u0000), which text cannot hold; leave it out.", "body")
        return _replay(body, receive)

    async def _read(self, receive: Receive) -> bytes:
        loop = asyncio.get_running_loop()
        began = loop.time()
        parts, size = [], 0
        try:
            async with asyncio.timeout(PAUSE_SECONDS) as patience:
                while True:
                    message = cast("dict[str, Any]", await receive())
                    if message["type"] == "http.disconnect":
                        raise Invalid("The body ended before it was whole.", "body")
                    part = message.get("body", b"")
                    size += len(part)
                    if size <= self._settings.body_limit:
                        parts.append(part)
                    if not message.get("more_body", False) or size > self._settings.drain_limit:
                        break
                    patience.reschedule(min(loop.time(), began + size / SLOWEST_BODY) + PAUSE_SECONDS)
        except TimeoutError:
            raise TooSlow("The body came too slowly and was given up; send it again.", "body") from None
        if size > self._settings.body_limit:
            raise self._too_large()
        return b"".join(parts)

    def _too_large(self) -> TooLarge:
        limit = self._settings.body_limit // MEBIBYTE
        return TooLarge(f"The body is over the limit of {limit} MiB; send it in smaller parts or gzipped.", "body")

    async def _inflate(self, body: bytes) -> bytes:
        limit = self._settings.inflated_limit
        if len(body) <= INLINE_GZIP:
            return _inflated(body, limit)
        return await asyncio.get_running_loop().run_in_executor(self._inflating, _inflated, body, limit)


def _inflated(body: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        made = inflater.decompress(body, limit)
    except zlib.error:
        raise Invalid("The body is not valid gzip, though Content-Encoding says so.", "Content-Encoding") from None
    if inflater.unconsumed_tail:
        raise TooLarge(
            f"The inflated body is over the limit of {limit // MEBIBYTE} MiB; send it in smaller parts.", "body"
        )
    if not inflater.eof:
        raise Invalid("The gzip body ends before it is whole.", "Content-Encoding")
    if inflater.unused_data:
        raise Invalid("Something follows the gzip body; send one gzip member and nothing else.", "Content-Encoding")
    return made


def one_spelling(path: str) -> str:
    """The path as the router knows it."""
    path = _SLASHES.sub("/", path)
    found = _PREFIX.match(path)
    return "/" + path[found.start("rest") :] if found else path


def _known_type(headers: Mapping[bytes, bytes]) -> bool:
    kind = headers.get(b"content-type", b"application/json").split(b";")[0].strip().lower().decode("latin-1")
    return kind in _TYPES or kind.endswith("+json")


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replayed() -> Any:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


async def _refuse(send: Send, error: SheetportError) -> None:
    status, headers, body = refusal(error)
    status = _STATUS.get(type(error), status)
    content = dumps(body).encode()
    sent = [(n.lower().encode(), v.encode()) for n, v in headers.items()]
    sent += [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    if isinstance(error, TooSlow):
        sent.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": content, "more_body": False})
