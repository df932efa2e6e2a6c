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
from sheetport.features.egress.service.calling import Egress, make_request
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
class KeptCalls:
    """Calls over kept connections. Whoever makes one closes it."""

    egress: Egress
    _pools: OrderedDict[tuple[str, str, int | None, str], _Pool] = field(default_factory=OrderedDict)
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
        request = make_request("POST", url, {**headers, "Connection": "keep-alive"}, content)
        host = host_key(request.url.host)
        try:
            async with asyncio.timeout(seconds) as deadline:
                for address in await self._look(request.url, account_id, environment_id):
                    with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                        return await self._answer(request, address, limit, deadline)
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

    async def _look(self, url: httpx.URL, account_id: str, environment_id: str) -> list[Address]:
        key, now = (url.host, url.port, account_id, environment_id), time.monotonic()
        known = self._looks.get(key)
        if known is not None and known[0] > now - LOOK_SECONDS:
            return known[1]
        addresses = await self.egress.permitted(url, account_id, environment_id)
        if len(self._looks) >= _MAX_LOOKS:
            self._looks.clear()
        self._looks[key] = now, addresses
        return addresses

    async def _answer(self, request: httpx.Request, address: Address, limit: int, deadline: asyncio.Timeout) -> Answer:
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=str(address)),
            headers=request.headers,
            stream=request.stream,
            extensions={"sni_hostname": request.url.host, "timeout": {"connect": 5.0}},
        )
        pool = self._pool(request.url, address)
        pool.used += 1
        try:
            await self._close_unused()
            response = await pool.transport.handle_async_request(pinned)
            try:
                deadline.reschedule(None)  # it has answered: what is left is read for a moment only
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, headers, await _first_bytes(response, limit))
            finally:
                await response.aclose()
        finally:
            pool.used -= 1

    def _pool(self, url: httpx.URL, address: Address) -> _Pool:
        key = (url.scheme, host_key(url.host), url.port, str(address))
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
        unused = [key for key, pool in self._pools.items() if not pool.used]
        for key in unused[: max(0, len(self._pools) - MAX_POOLS)]:
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
