"""Refuses calls that come too often, and tells every caller what is left to it.

An address is looked at before anything else is done for a call; a token and its account once the caller is known. A
route that is called rarely says which bucket it counts against, by its option ``RATE``: of the caller's token, or of
the address where there is no caller. What takes no caller and changes something counts in any case.

``RateLimit`` and ``RateLimit-Policy`` are those of the IETF's draft.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from math import ceil
from time import monotonic
from typing import Any, Protocol

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from sheetport.http.errors import refusal
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import TooMany
from sheetport.kernel.json import dumps
from sheetport.kernel.rates import Bucket, Rate, Verdict

#: The option of a route that counts against a bucket of its own.
RATE = "rate"
HEADERS = ("RateLimit", "RateLimit-Policy", "Retry-After")
#: What watches over the server is always answered.
_FREE = frozenset({"/healthz", "/readyz", "/metrics"})
_STATE = "rate"
_READING = frozenset({"GET", "HEAD"})


Taker = Callable[[str, int, float], float | None]


class Limits(Protocol):
    """What may be asked whether a call may go on."""

    on: bool

    def taker(self, bucket: Bucket) -> Taker:
        """What takes (key, calls, monotonic seconds) at once; None from it is to ask :meth:`allow`."""
        ...

    async def allow(self, bucket: Bucket, key: str, cost: int = 1) -> Verdict: ...

    async def require(self, bucket: Bucket, key: str, cost: int = 1) -> Verdict:
        """Raises TooMany."""
        ...

    def refusal(self, verdict: Verdict) -> TooMany: ...

    def give_back(self, bucket: Bucket, key: str, cost: int = 1) -> None: ...

    def rate_of(self, bucket: Bucket) -> Rate: ...


class _Kind:
    """A bucket, as the layers that see every call need it: nothing is looked up by name."""

    __slots__ = ("bucket", "each", "left", "policy", "span", "take")

    def __init__(self, bucket: Bucket, limits: Limits) -> None:
        rate = limits.rate_of(bucket)
        name = f'"{bucket}"'.encode()
        self.bucket = bucket
        self.take = limits.taker(bucket)
        self.left = name + b";r=%d;t=%d"
        self.policy = (b"ratelimit-policy", name + b";q=%d;w=%d" % rate)
        self.each, self.span = rate.each, float(rate.seconds)


class RateGate:
    """Asks for the layers that see every call, and remembers in the scope what to tell the caller."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.on = limits.on
        self._kinds = {bucket: _Kind(bucket, limits) for bucket in Bucket}
        self._address, self._account = self._kinds[Bucket.ADDRESS], self._kinds[Bucket.ACCOUNT]
        self._reads = self._kinds[Bucket.READS]

    def admit_read(self, scope: Scope, actor: Actor) -> bool:
        """Count a read of a known caller without waiting; False when :meth:`admit` has to decide."""
        if not self.on:
            return True
        now = monotonic()
        room = self._reads.take(actor.token_id, 1, now)
        if room is None or room < 0:
            return False
        scope["state"][_STATE] = (self._reads, room)
        room = self._account.take(actor.account_id, 1, now)
        return room is not None and room >= 0

    async def admit(self, scope: Scope, actor: Actor, bucket: Bucket | None) -> None:
        """Count a call of a known caller. Raises TooMany."""
        bucket = bucket or (Bucket.READS if scope.get("method") in _READING else Bucket.WRITES)
        await self._require(scope, Bucket.ACCOUNT, actor.account_id)
        await self._require(scope, bucket, actor.token_id)

    async def admit_address(self, scope: Scope, bucket: Bucket = Bucket.ADDRESS) -> None:
        """Count a call that has no caller yet. Raises TooMany."""
        if bucket is Bucket.ADDRESS and self.on:
            room = self._address.take(address_key(scope), 1, monotonic())
            if room is not None and room >= 0:
                scope["state"][_STATE] = (self._address, room)
                return
        await self._require(scope, bucket, address_key(scope))

    async def _require(self, scope: Scope, bucket: Bucket, key: str) -> None:
        if not self.on:
            return
        verdict = await self.limits.allow(bucket, key)
        scope["state"][_STATE] = (self._kinds[bucket], verdict.room)
        if not verdict.allowed:
            raise self.limits.refusal(verdict)

    def headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """What the caller is told; nothing where nothing was counted."""
        counted = scope["state"].get(_STATE)
        if counted is None:
            return []
        kind, room = counted
        room = max(room, 0.0)
        return [(b"ratelimit", kind.left % (int(room / kind.each), ceil(kind.span - room))), kind.policy]


class RateMiddleware:
    """Stands before all that a call costs: counts the calls of an address."""

    def __init__(self, app: ASGIApp, gate: RateGate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._gate.on and scope["type"] == ScopeType.HTTP and scope["path"] not in _FREE:
            try:
                await self._gate.admit_address(scope)
            except TooMany as error:
                await _refuse(send, error)
                return
        await self._app(scope, receive, send)


def address_key(scope: Scope | HTTPScope) -> str:
    """Who calls, as far as the connection (or a trusted proxy) tells: an IPv6 network of 64 bits is one caller."""
    client: Any = scope.get("client")
    return "" if client is None else _network(client[0])


@lru_cache(maxsize=16_384)
def _network(address: str) -> str:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    return str(known.ipv4_mapped or ipaddress.ip_network((known, 64), strict=False))


async def _refuse(send: Send, error: TooMany) -> None:
    status, headers, body = refusal(error)
    content = dumps(body).encode()
    sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    sent += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    sent += [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", ", ".join(HEADERS).encode())]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": content, "more_body": False})
