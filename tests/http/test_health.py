"""/healthz, /readyz and /metrics: what they say and to whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import column, table, update

from servers.data_places import DataPlace
from sheetport import __version__
from sheetport.config import HttpSettings, StorageSettings
from sheetport.http.metrics import Counters
from sheetport.runtime import telemetry
from sheetport.runtime.siblings import ask_siblings, telling
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import World, opened_world

METRICS_TOKEN = "a-token-for-prometheus"


async def metrics(world: World) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The page by name and labels, read by Prometheus' own reader."""
    reply = await world.call("GET", "/metrics", token="")
    assert reply.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(reply.body)
        for sample in family.samples
    }


def labels(**values: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(values.items()))


async def answer(world: World, path: str) -> tuple[int, Any]:
    reply = await world.call("GET", path, token="")
    return reply.status, reply.body


async def test_without_the_database_it_is_alive_and_not_ready(world: World) -> None:
    alive = (200, {"data": {"status": "ok", "version": __version__}})
    assert await answer(world, "/healthz") == alive
    await world.db.close()
    assert await answer(world, "/healthz") == alive
    status, body = await answer(world, "/readyz")
    assert (status, [error["key"] for error in body["errors"]]) == (503, ["database"])


async def test_not_ready_on_a_schema_of_before(world: World) -> None:
    async def set_back(uow: UnitOfWork) -> None:
        await uow.execute(update(table("alembic_version", column("version_num"))).values(version_num="0001"))

    await world.db.write(set_back)
    status, body = await answer(world, "/readyz")
    assert (status, [error["key"] for error in body["errors"]]) == (503, ["schema"])


async def test_ready_is_who_can_work_and_does_not_stop(world: World) -> None:
    assert await answer(world, "/readyz") == (200, {"data": {"status": "ready"}})
    world.app.take_leave()
    status, body = await answer(world, "/readyz")
    assert (status, [error["key"] for error in body["errors"]]) == (503, ["stopping"])


async def test_a_database_that_does_not_answer_in_time_is_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "DATABASE_SECONDS", 0.05)

    async def hang(*_: object, **__: object) -> None:
        await asyncio.sleep(2)  # the end of the server waits for it too

    monkeypatch.setattr(world.app.telemetry._db, "read", hang)
    assert (await answer(world, "/readyz"))[0] == 503
    assert (await metrics(world))["sheetport_database_up", ()] == 0


async def test_requests_are_counted_by_route_method_and_kind_of_status(world: World) -> None:
    for _ in range(3):
        await world.call("GET", f"/v1/environments/{world.dev}")
    await world.call("GET", "/v1/environments/us_env_nothing0")
    await world.call("GET", "/nowhere")
    await world.call("BREW", "/nowhere")
    found = await metrics(world)
    route = {"route": "/v1/environments/{environment_id}", "method": "GET", "worker": "0"}
    assert found["sheetport_http_requests_total", labels(**route, status="2xx")] == 3
    assert found["sheetport_http_requests_total", labels(**route, status="4xx")] == 1
    assert found["sheetport_http_request_seconds_count", labels(**route)] == 4
    assert found["sheetport_http_request_seconds_bucket", labels(**route, le="+Inf")] == 4
    assert 0 < found["sheetport_http_request_seconds_sum", labels(**route)] < 10
    unmatched = {"route": "unmatched", "worker": "0", "status": "4xx"}
    assert found["sheetport_http_requests_total", labels(**unmatched, method="GET")] == 1
    assert found["sheetport_http_requests_total", labels(**unmatched, method="other")] == 1


async def test_a_scrape_tells_how_the_server_does(world: World) -> None:
    space = (await world.call("POST", "/v1/spaces", {"name": "one"})).data["id"]
    book = (await world.call("POST", "/v1/workbooks", {"name": "book", "spaceId": space})).data["id"]
    job = {"type": "workbook", "operation": "submit", "source": book, "trigger": "immediate"}
    assert (await world.call("POST", "/v1/jobs", job)).status == 200
    found = await metrics(world)
    one = labels(worker="0")
    assert (found["sheetport_database_up", ()], found["sheetport_workers", ()]) == (1, 1)
    kind = "postgresql" if world.db.shared else "sqlite"
    assert found["sheetport_build_info", labels(version=__version__, database=kind)] == 1
    assert found["sheetport_writer_wait_seconds_count", one] > 3
    assert found["sheetport_writer_queue_length", one] == 0
    assert (found["sheetport_subscribers", one], found["sheetport_listeners", one]) == (0, 0)
    assert found["sheetport_process_resident_memory_bytes", one] > 20_000_000
    assert found["sheetport_outbox_events", ()] >= 0
    jobs = {dict(key[1])["status"]: value for key, value in found.items() if key[0] == "sheetport_jobs"}
    assert (jobs["ready"], jobs["failed"], sum(jobs.values()) >= 1) == (1, 0, True)


async def test_an_open_poll_is_a_subscriber_and_has_no_time(world: World) -> None:
    while (await metrics(world))["sheetport_outbox_events", ()]:
        await asyncio.sleep(0.02)  # else the poll is answered with what has just got its position
    channel = (await world.call("GET", f"/v1/subscription?scope={world.dev}")).data
    path = f"/v2/subscribe/sub-c-sheetport/environment.{world.dev}/0"
    first = await world.call("GET", f"{path}?auth={channel['token']}&tt=0", token="")
    waiting = asyncio.create_task(
        world.call("GET", f"{path}?auth={channel['token']}&tt={first.body['t']['t']}", token="")
    )
    async with asyncio.timeout(10):
        while (found := await metrics(world))["sheetport_subscribers", labels(worker="0")] != 1:
            await asyncio.sleep(0.02)
    assert found["sheetport_listeners", labels(worker="0")] == 1
    world.app.stop_waiting()
    assert (await waiting).status == 200
    assert not any("subscribe" in dict(key[1]).get("route", "") for key in found if "seconds" in key[0])


@pytest.fixture
async def guarded(sqlite_place: DataPlace) -> AsyncIterator[World]:
    """A world whose metrics have a token."""
    storage = StorageSettings(sqlite_place.data, sqlite_place.data.with_suffix(".key"))
    async with opened_world(storage, HttpSettings(metrics_token=METRICS_TOKEN)) as opened:
        yield opened


async def status_of(world: World, peer: str, headers: dict[str, str]) -> int:
    transport = httpx.ASGITransport(app=world.app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://sheetport.test") as client:
        return (await client.get("/metrics", headers=headers)).status_code


#: From where, with which headers, and the answer.
READERS: list[tuple[str, dict[str, str], int]] = [
    ("127.0.0.1", {}, 200),
    ("::1", {}, 200),
    ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
    ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 404),
    ("10.0.0.7", {}, 404),
    ("10.0.0.7", {"Authorization": f"Bearer {METRICS_TOKEN}"}, 200),
    ("10.0.0.7", {"Authorization": "Bearer another"}, 404),
    ("10.0.0.7", {"Authorization": "Bearer "}, 404),
]


async def test_metrics_are_for_this_machine_and_for_who_has_the_token(guarded: World) -> None:
    answers = [(peer, headers, await status_of(guarded, peer, headers)) for peer, headers, _ in READERS]
    assert answers == READERS


async def test_without_a_token_no_token_opens_metrics(world: World) -> None:
    assert await status_of(world, "10.0.0.7", {"Authorization": "Bearer None"}) == 404
    assert await status_of(world, "10.0.0.7", {"Authorization": f"Bearer {world.sk}"}) == 404


async def test_siblings_tell_their_numbers_and_silent_ones_are_left_out(guarded: World, tmp_path: Path) -> None:
    own = guarded.app.telemetry.snapshot()
    (tmp_path / "7.sock").touch()
    async with telling(tmp_path, 0, lambda: own), telling(tmp_path, 1, lambda: replace_worker(own, 1)):
        assert [each.worker for each in await ask_siblings(tmp_path, 0)] == [1]
        assert [each.worker for each in await ask_siblings(tmp_path, 1)] == [0]


def replace_worker(snapshot: Any, number: int) -> Any:
    made = type(snapshot)(**{name: getattr(snapshot, name) for name in snapshot.__struct_fields__})
    made.worker = number
    return made


def test_counting_puts_a_time_into_its_bucket() -> None:
    counters = Counters()
    for seconds in (0.0005, 0.001, 0.0011, 99.0):
        counters.add("/x", "GET", 200, seconds, timed=True)
    counters.add("/x", "GET", 500, 5.0, timed=False)
    (row,) = counters.rows()
    assert row.classes == [0, 0, 4, 0, 0, 1]
    assert [row.buckets[0], row.buckets[1], row.buckets[-1], sum(row.buckets)] == [2, 1, 1, 4]


def test_a_route_has_one_row_however_it_is_spelled() -> None:
    counters = Counters()
    for route, method in (("/x/{id:str}", "GET"), ("/x/{id}", "GET"), ("/x/{id}", "BREW"), ("/x/{id}", "STEEP")) * 2:
        counters.add(route, method, 200, 0.1, timed=True)
    assert [(row.route, row.method, row.classes[2]) for row in counters.rows()] == [
        ("/x/{id}", "GET", 4),
        ("/x/{id}", "other", 4),
    ]
