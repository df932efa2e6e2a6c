"""Many calls of the same targets: connections are kept, one pool for each host at each of its addresses.

The guard is that of single calls. A connection was made to an address that had been looked at, and is used again for
the same name only, while that name still leads there and is still permitted: what was found holds for a second.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from sheetport.features.egress.model import Answer, EgressFailed, host_key
from sheetport.features.egress.service.calling import MAX_ADDRESSES, Egress, make_request
from sheetport.kernel.addresses import Address

#: For how long a look at a host's addresses and at the list of targets holds.
LOOK_SECONDS = 1.0
#: So many pools are open, the one that was used longest ago goes first; and so many connections a pool.
MAX_POOLS, MAX_CONNECTIONS, KEPT_SECONDS = 64, 16, 30.0
#: For how long the body of an answer is waited for: what matters of it is the status.
BODY_SECONDS = 1.0
_MAX_LOOKS = 1_000


@dataclass(slots=True)
class _Pool:
    transport: httpx.AsyncHTTPTransport
    #: Calls that are under way: a pool in use is not closed.
    used: int = 0


@dataclass(slots=True)
class _Target:
    """A URL that was found to be plain, with the headers of every call of it, and as it is called at an address."""

    url: httpx.URL
    headers: dict[str, str]
    pinned: dict[Address, httpx.URL] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return self.url.host

    def at(self, address: Address) -> httpx.URL:
        found = self.pinned.get(address)
        if found is None:
            if len(self.pinned) >= MAX_ADDRESSES:  # the name has led to others before
                self.pinned.clear()
            found = self.pinned[address] = self.url.copy_with(host=str(address))
        return found


@dataclass(slots=True)
class KeptCalls:
    """Calls over kept connections. Whoever makes one closes it."""

    egress: Egress
    _pools: OrderedDict[tuple[str, str, int | None, str], _Pool] = field(default_factory=OrderedDict)
    _targets: dict[str, _Target] = field(default_factory=dict, repr=False)
    _looks: dict[tuple[str, int | None, str, str], tuple[float, list[Address]]] = field(default_factory=dict)

    async def check(self, url: str, account_id: str, environment_id: str) -> None:
        """Raise EgressRefused for a URL that may not be called, EgressFailed when its host has no address."""
        await self.egress.permitted(make_request("POST", url, {}, None).url, account_id, environment_id)

    async def post(
        self,
        url: str,
        *,
        account_id: str,
        environment_id: str,
        headers: Mapping[str, str],
        content: bytes,
        seconds: float,
        limit: int,
    ) -> Answer:
        """One call; of the answer's body, the first ``limit`` bytes at most.

        ``seconds`` bounds the time until the answer's head is there. Raises EgressRefused, EgressFailed.
        """
        target = self._target(url)
        host = host_key(target.host)
        sent = {**target.headers, **headers}
        try:
            async with asyncio.timeout(seconds) as deadline:
                for address in await self._look(target, account_id, environment_id):
                    pinned = httpx.Request(
                        "POST",
                        target.at(address),
                        headers=sent,
                        content=content,
                        # The name stays in the Host header and in the TLS handshake, whose certificate is the name's.
                        extensions={"sni_hostname": target.host, "timeout": {"connect": 5.0}},
                    )
                    with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                        return await self._answer(self._pool(target, address), pinned, limit, deadline)
        except TimeoutError:
            raise EgressFailed(f"{host} did not answer within {seconds:g} seconds.", "url") from None
        except httpx.HTTPError as error:
            raise EgressFailed(f"The call of {host} broke off: {type(error).__name__}.", "url") from None
        raise EgressFailed(f"{host} cannot be connected to.", "url")

    async def close(self) -> None:
        """Close every connection."""
        pools, self._pools = list(self._pools.values()), OrderedDict()
        for pool in pools:
            await pool.transport.aclose()

    def _target(self, url: str) -> _Target:
        """What is read out of a URL, once for many calls. Raises EgressRefused."""
        found = self._targets.get(url)
        if found is None:
            request = make_request("POST", url, {"Connection": "keep-alive"}, None)
            names = ("Host", "User-Agent", "Accept-Encoding", "Connection")
            headers = {name: request.headers[name] for name in names}
            found = _Target(request.url, headers)
            if len(self._targets) >= _MAX_LOOKS:
                self._targets.clear()
            self._targets[url] = found
        return found

    async def _look(self, target: _Target, account_id: str, environment_id: str) -> list[Address]:
        key, now = (target.host, target.url.port, account_id, environment_id), time.monotonic()
        known = self._looks.get(key)
        if known is not None and known[0] > now - LOOK_SECONDS:
            return known[1]
        addresses = await self.egress.permitted(target.url, account_id, environment_id)
        if len(self._looks) >= _MAX_LOOKS:
            self._looks.clear()
        self._looks[key] = now, addresses
        return addresses

    async def _answer(self, pool: _Pool, request: httpx.Request, limit: int, deadline: asyncio.Timeout) -> Answer:
        pool.used += 1
        try:
            await self._close_unused()
            response = await pool.transport.handle_async_request(request)
            try:
                deadline.reschedule(None)  # it has answered: what is left is read for a moment only
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, headers, await _first_bytes(response, limit))
            finally:
                await response.aclose()
        finally:
            pool.used -= 1

    def _pool(self, target: _Target, address: Address) -> _Pool:
        key = (target.url.scheme, host_key(target.host), target.url.port, str(address))
        pool = self._pools.get(key)
        if pool is None:
            limits = httpx.Limits(
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=MAX_CONNECTIONS,
                keepalive_expiry=KEPT_SECONDS,
            )
            pool = _Pool(httpx.AsyncHTTPTransport(verify=self.egress.tls, trust_env=False, limits=limits))
            self._pools[key] = pool
        self._pools.move_to_end(key)
        return pool

    async def _close_unused(self) -> None:
        if len(self._pools) <= MAX_POOLS:
            return
        unused = [key for key, pool in self._pools.items() if not pool.used]
        for key in unused[: len(self._pools) - MAX_POOLS]:
            await self._pools.pop(key).transport.aclose()


async def _first_bytes(response: httpx.Response, limit: int) -> bytes:
    """The beginning of a body, as far as it comes within a moment."""
    parts, size = [], 0
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(BODY_SECONDS):
            async for part in response.aiter_raw():
                parts.append(part)
                size += len(part)
                if size >= limit:
                    break
    return b"".join(parts)[:limit]
