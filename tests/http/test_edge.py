"""The outermost part: request ids, who is believed, and what every answer carries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from ipaddress import ip_network

import httpx
import pytest

from servers.data_places import DataPlace
from sheetport.config import HttpSettings, LogSettings, StorageSettings
from worlds import World, opened_world

PROXY, STRANGER = ("10.0.0.5", 1), ("203.0.113.9", 1)
Client = Callable[[tuple[str, int]], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
async def behind(sqlite_place: DataPlace) -> AsyncIterator[Client]:
    """``behind(peer)`` is a client whose connections come from ``peer``; 10.0.0.0/8 is trusted."""
    storage = StorageSettings(sqlite_place.data, sqlite_place.data.with_suffix(".key"))
    http = HttpSettings(trusted_proxies=(ip_network("10.0.0.0/8"),))
    async with opened_world(storage, http, LogSettings(access="all")) as world:

        @asynccontextmanager
        async def client(peer: tuple[str, int]) -> AsyncIterator[httpx.AsyncClient]:
            transport = httpx.ASGITransport(app=world.app, client=peer)
            async with httpx.AsyncClient(transport=transport, base_url="http://inside") as made:
                yield made

        yield client


async def test_every_answer_has_an_id_of_its_own(world: World) -> None:
    replies = [await world.call("GET", path, token="") for path in ("/healthz", "/v1/spaces", "/x?a=%00", "/nothing")]
    assert [reply.status for reply in replies] == [200, 401, 400, 404]
    ids = {reply.headers["x-request-id"] for reply in replies}
    assert len(ids) == 4
    assert all(each.startswith("req_") for each in ids)


async def test_an_id_is_taken_from_a_trusted_proxy_when_it_is_harmless(behind: Client) -> None:
    given = ["edge-7_A", "a" * 64, "a" * 65, "two words", "sk;1", ""]
    async with behind(PROXY) as client:
        replies = [await client.get("/healthz", headers={"X-Request-Id": each}) for each in given]
    taken = [reply.headers["x-request-id"] for reply in replies]
    assert [each for each in given if each in taken] == ["edge-7_A", "a" * 64]


async def test_an_id_is_taken_from_nobody_else(behind: Client) -> None:
    async with behind(STRANGER) as client:
        reply = await client.get("/healthz", headers={"X-Request-Id": "mine"})
    assert reply.headers["x-request-id"] != "mine"


async def test_without_trusted_proxies_an_id_is_taken_from_nobody(world: World) -> None:
    assert (await world.call("GET", "/healthz", headers={"X-Request-Id": "mine"})).headers["x-request-id"] != "mine"


async def test_the_line_names_the_client_behind_the_proxy(behind: Client, capsys: pytest.CaptureFixture[str]) -> None:
    forwarded = {"X-Forwarded-For": "6.6.6.6, 198.51.100.4"}
    async with behind(PROXY) as client:
        await client.get("/healthz", headers=forwarded)
    async with behind(STRANGER) as client:
        await client.get("/healthz", headers=forwarded)
    lines = capsys.readouterr().err.splitlines()[-2:]
    assert ["client=198.51.100.4" in lines[0], "client=203.0.113.9" in lines[1]] == [True, True]


async def test_a_browser_that_came_by_https_is_told_to_stay_there(behind: Client) -> None:
    secure = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "data.example.com"}
    async with behind(PROXY) as client:
        by_https, plain = await client.get("/healthz", headers=secure), await client.get("/healthz")
        local = await client.get("/healthz", headers={**secure, "X-Forwarded-Host": "localhost:4010"})
    async with behind(STRANGER) as client:
        claimed = await client.get("/healthz", headers=secure)
    name = "strict-transport-security"
    assert [name in reply.headers for reply in (by_https, plain, local, claimed)] == [True, False, False, False]


async def test_who_takes_leave_asks_clients_to_connect_anew(world: World) -> None:
    assert "connection" not in (await world.call("GET", "/v1/spaces")).headers
    world.app.take_leave()
    reply = await world.call("GET", "/v1/spaces")
    assert (reply.status, reply.headers["connection"]) == (200, "close")
