"""The one way by which this server calls another over HTTP.

A host is resolved once, every address it has must be permitted, and the connection is made to the address that was
looked at: what the name resolves to a moment later does not matter. Redirects are not followed, proxies of the
environment are not used, and time and size of an answer are bounded.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property

import httpx
import structlog

from sheetport.config import MEBIBYTE
from sheetport.features.egress import store
from sheetport.features.egress.model import Answer, EgressFailed, EgressRefused, allowed_by, host_key
from sheetport.kernel.addresses import Address, parse_address
from sheetport.storage.unit_of_work import Database

#: The addresses of a host, as text.
Resolve = Callable[[str, int], Awaitable[list[str]]]
_PORTS = {"http": 80, "https": 443}
MAX_URL = 4_096
#: Tried one after another when a host has several addresses.
MAX_ADDRESSES = 8
_log = structlog.get_logger()


async def resolve(host: str, port: int) -> list[str]:
    """What the system's resolver says. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Egress:
    """Calls others. ``trusted`` are hosts that the server's own settings name, such as its key service."""

    def __init__(self, db: Database, trusted: tuple[str, ...] = (), resolver: Resolve = resolve) -> None:
        self._db = db
        self._trusted = frozenset(map(host_key, trusted))
        self._resolve = resolver

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """Made by the first call over TLS: reading the authorities takes longer than the rest of a start's wiring."""
        return httpx.create_ssl_context()

    async def call(
        self,
        method: str,
        url: str,
        *,
        account_id: str,
        environment_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        seconds: float = 10.0,
        limit: int = MEBIBYTE,
    ) -> Answer:
        """One call, on behalf of an account or of one of its environments.

        ``seconds`` bounds all of it, ``limit`` the bytes of the answer's body, which is not decompressed. Raises
        EgressRefused before anything is sent, EgressFailed when there is no answer within the limits.
        """
        request = make_request(method, url, headers or {}, content)
        host = host_key(request.url.host)
        try:
            async with asyncio.timeout(seconds):
                addresses = await self.permitted(request.url, account_id, environment_id)
                return await self._first_answer(request, addresses, limit)
        except TimeoutError:
            raise EgressFailed(f"{host} did not answer within {seconds:g} seconds.", "url") from None

    async def permitted(self, url: httpx.URL, account_id: str, environment_id: str | None) -> list[Address]:
        """The addresses of a URL's host, every one of them permitted. Raises EgressRefused, EgressFailed."""
        host = host_key(url.host)
        targets = await self._db.read(lambda uow: store.list_targets(uow, account_id, environment_id))
        allowed = allowed_by({*targets, *self._trusted})
        try:
            resolved = await self._resolve(url.host, url.port or _PORTS[url.scheme])
            addresses = [parse_address(each) for each in resolved[:MAX_ADDRESSES]]
        except (OSError, UnicodeError, ValueError):
            raise EgressFailed(f"{host} has no address; is its name right?", "url") from None
        for address in addresses:
            if not allowed.permits(host, address):
                _log.warning("egress.refused", host=host)
                only = f" --environment {environment_id}" if environment_id else ""
                raise EgressRefused(
                    f"{host} is not in the public internet, and this server calls nothing else unless it is allowed. If"
                    f" it is yours, run on the server's machine: sheetport egress allow {host}{only}",
                    "url",
                )
        return addresses

    async def _first_answer(self, request: httpx.Request, addresses: list[Address], limit: int) -> Answer:
        """From the first of the addresses that can be connected to."""
        host = request.url.host
        for address in addresses:
            try:
                return await self._answer(request, address, limit)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
            except httpx.HTTPError as error:
                raise EgressFailed(f"The call of {host} broke off: {type(error).__name__}.", "url") from None
        raise EgressFailed(f"{host} cannot be connected to.", "url")

    async def _answer(self, request: httpx.Request, address: Address, limit: int) -> Answer:
        # The name stays in the Host header and in the TLS handshake, whose certificate has to be the name's.
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=str(address)),
            headers=request.headers,
            stream=request.stream,
            extensions={"sni_hostname": request.url.host, "timeout": {"connect": 5.0}},
        )
        # One connection a call: a pool would hand a connection on to another name at the same address.
        async with httpx.AsyncHTTPTransport(verify=self.tls, trust_env=False) as transport:
            response = await transport.handle_async_request(pinned)
            try:
                return Answer(
                    response.status_code,
                    {name.lower(): value for name, value in response.headers.items()},
                    await _body(response, limit),
                )
            finally:
                await response.aclose()


def make_request(method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> httpx.Request:
    """Raises EgressRefused for an address that is not plainly http(s)."""
    try:
        parsed = httpx.URL(url) if len(url) <= MAX_URL else None
    except (httpx.InvalidURL, ValueError, TypeError):
        parsed = None
    if parsed is None or parsed.scheme not in _PORTS or not parsed.host or parsed.userinfo:
        raise EgressRefused("The address must be a plain http:// or https:// URL without user and password.", "url")
    own = {"User-Agent": "Sheetport", "Accept-Encoding": "identity", "Connection": "close"}
    kept = {name: value for name, value in headers.items() if name.lower() != "host"}
    return httpx.Request(method, parsed, headers={**own, **kept}, content=content)


async def _body(response: httpx.Response, limit: int) -> bytes:
    parts, size = [], 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > limit:
            raise EgressFailed(f"The answer is longer than {limit:,} bytes.", "url")
        parts.append(part)
    return b"".join(parts)
