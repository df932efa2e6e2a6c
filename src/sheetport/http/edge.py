"""The outermost application: who calls, the request's id, and what is counted and written of each request."""

from __future__ import annotations

import random
import re
from time import perf_counter

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from sheetport.config import Settings
from sheetport.http.logs import SLOW_SECONDS, request_line
from sheetport.http.metrics import UNMATCHED, Counters
from sheetport.http.proxies import Proxies
from sheetport.http.rates import RateGate
from sheetport.http.tally import Tally
from sheetport.kernel.request import agent_of, current_request

#: A year, after which a browser would try plain HTTP again.
_HSTS = (b"strict-transport-security", b"max-age=31536000")
#: Of every answer that does not say otherwise itself. An answer of the API is no page: nothing runs in it or frames it.
_SAFE = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_LOCAL = (b"localhost", b"127.", b"[::1]")
_CLOSE = (b"connection", b"close")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")
#: What waits on purpose: its time says nothing, and is never slow.
WAITING = ("/v2/subscribe/", "/v1/events/stream")
_log = structlog.get_logger()


class ScopeRequest:
    """The request of a scope, read when somebody asks: most requests are recorded nowhere."""

    __slots__ = ("_scope",)

    def __init__(self, scope: HTTPScope) -> None:
        self._scope = scope

    @property
    def address(self) -> str | None:
        client = self._scope["client"]
        return client[0] if client else None

    @property
    def id(self) -> str | None:
        return self._scope["state"].get("request_id")

    @property
    def agent(self) -> str:
        header = next((value for name, value in self._scope["headers"] if name == b"user-agent"), b"")
        return agent_of(header.decode("latin-1"))


class EdgeMiddleware:
    """Stands around everything. ``closing`` asks clients to connect anew, so that this process can end."""

    def __init__(self, app: ASGIApp, settings: Settings, counters: Counters, tally: Tally, gate: RateGate) -> None:
        self._app = app
        self._tally = tally
        self._gate = gate
        self._proxies = Proxies(settings.http.trusted_proxies)
        self._counters = counters
        self._access = settings.logs.access
        self.closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        status = size = 0
        added = self._added(scope)
        served = current_request.set(ScopeRequest(scope))

        async def noting(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                given = list(message.get("headers", ()))
                names = {name for name, _ in given}
                safe = [pair for pair in _SAFE if pair[0] not in names]
                message["headers"] = [*given, *safe, *added, *self._gate.headers(scope)]
            else:
                size += len(message.get("body", b""))  # type: ignore[arg-type]  # a message is one of many
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            current_request.reset(served)
            self._note(scope, status, size, perf_counter() - began)

    def _added(self, scope: HTTPScope) -> list[tuple[bytes, bytes]]:
        """Give the request its id and its true origin; the headers that every answer to it gets."""
        given = None
        if self._proxies and self._proxies.believe(scope):
            given = next((value for name, value in scope["headers"] if name == b"x-request-id"), None)
        made = b"req_%020x" % random.getrandbits(80)  # a name, no secret  # nosec B311
        request_id = given if given and _REQUEST_ID.fullmatch(given) else made
        scope.setdefault("state", {})["request_id"] = request_id.decode()
        added = [(b"x-request-id", request_id)]
        if scope["scheme"] == "https" and not _is_local(scope):
            added.append(_HSTS)
        if self.closing:
            added.append(_CLOSE)
        return added

    def _note(self, scope: HTTPScope, status: int, size: int, seconds: float) -> None:
        self._tally.note(scope, status)
        route = scope.get("path_template") or UNMATCHED
        waits = route.startswith(WAITING)
        self._counters.add(route, scope["method"], status, seconds, timed=not waits)
        slow = seconds > SLOW_SECONDS and not waits
        if self._access == "off" or (self._access == "errors" and status < 500 and not slow):
            return
        _log.info("request", **request_line(scope, status, seconds, size))


def _is_local(scope: HTTPScope) -> bool:
    """A browser that took the promise for this machine's own name would keep it for every other program here."""
    return any(name == b"host" and value.startswith(_LOCAL) for name, value in scope["headers"])
