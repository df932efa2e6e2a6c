"""A request's line: what it says, when there is one, and that nothing secret ever stands in one."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import quote

import pytest

from servers.data_places import DataPlace
from sheetport.config import LogSettings, StorageSettings
from sheetport.http import edge
from sheetport.http.logs import shown_query
from worlds import World, opened_world

Errors = pytest.CaptureFixture[str]
Open = Callable[..., AbstractAsyncContextManager[World]]
#: Each sends nine secrets.
ROUNDS = 40


@pytest.fixture
def logging_world(sqlite_place: DataPlace) -> Open:
    storage = StorageSettings(sqlite_place.data, sqlite_place.data.with_suffix(".key"))
    return lambda **logs: opened_world(storage, logs=LogSettings(**logs))


async def test_a_line_says_who_did_what(logging_world: Open, capsys: Errors) -> None:
    async with logging_world(format="json", access="all") as world:
        reply = await world.call("GET", f"/v1/spaces?pageSize=5&environmentId={world.dev}&unheard=of&token=abc")
        line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (line["event"], line["level"], line["method"], line["route"]) == ("request", "info", "GET", "/v1/spaces")
    assert line["request_id"] == reply.headers["x-request-id"]
    assert line["query"] == f"pageSize=5,environmentId={world.dev},?,token"
    assert (line["status"], line["actor"], line["client"]) == (200, "secret_key", "127.0.0.1")
    assert line["key"].startswith("us_")
    assert line["bytes"] == len(json.dumps(reply.body, separators=(",", ":")))
    assert line["ms"] >= 0


async def test_logfmt_is_the_same_in_one_line(logging_world: Open, capsys: Errors) -> None:
    async with logging_world(access="all") as world:
        await world.call("GET", f"/v1/environments/{world.dev}")
        line = capsys.readouterr().err.splitlines()[-1]
    assert "event=request request_id=req_" in line
    assert "method=GET route=/v1/environments/{environment_id}" in line
    assert " status=200 " in line


async def test_by_default_good_and_refused_requests_have_no_line(logging_world: Open, capsys: Errors) -> None:
    async with logging_world() as world:
        capsys.readouterr()
        await world.call("GET", "/v1/spaces")
        await world.call("GET", "/v1/spaces", token="")
        await world.call("GET", "/nothing")
        assert capsys.readouterr().err == ""


async def test_a_slow_request_has_a_line(logging_world: Open, capsys: Errors, monkeypatch: pytest.MonkeyPatch) -> None:
    async with logging_world() as world:
        monkeypatch.setattr(edge, "SLOW_SECONDS", 0.0)
        await world.call("GET", "/v1/spaces")
    assert "event=request " in capsys.readouterr().err


async def test_a_defect_has_two_lines_with_the_id_of_the_answer(logging_world: Open, capsys: Errors) -> None:
    async with logging_world() as world:
        world.app.router.state.telemetry = None
        reply = await world.call("GET", "/readyz", token="")
    assert reply.status == 500
    lines = capsys.readouterr().err.splitlines()
    mine = [line for line in lines if f"request_id={reply.headers['x-request-id']}" in line]
    assert ["request.failed" in mine[0], "event=request " in mine[1]] == [True, True]


async def test_off_is_off(logging_world: Open, capsys: Errors, monkeypatch: pytest.MonkeyPatch) -> None:
    async with logging_world(access="off") as world:
        monkeypatch.setattr(edge, "SLOW_SECONDS", 0.0)
        await world.call("GET", "/v1/spaces")
    assert "event=request " not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("pageSize=10&pageNumber=2", "pageSize=10,pageNumber=2"),
        ("pageSize=sk_live_1", "pageSize"),
        ("sortField=email&sortDirection=desc", "sortField=email,sortDirection=desc"),
        ("sortField=sk_live_1", "sortField"),
        ("includeCounts=true", "includeCounts=true"),
        ("spaceId=us_sp_abcd1234", "spaceId=us_sp_abcd1234"),
        ("spaceId=sk_live_abcd1234", "spaceId"),
        ("auth=x&token=y&key=z", "auth,token,key"),
        ("sk_live_1=&sk_live_2", "?,?"),
        ("a=1&pageSize=%31%30", "?,pageSize=10"),
        ("=x", "?"),
        ("", ""),
    ],
)
def test_of_a_query_only_what_can_be_no_secret_is_shown(query: str, shown: str) -> None:
    assert shown_query(query.encode()) == shown


@pytest.mark.parametrize(("log_format", "rounds"), [("logfmt", ROUNDS), ("json", ROUNDS // 8)])
async def test_no_secret_stands_in_any_line(logging_world: Open, capsys: Errors, log_format: str, rounds: int) -> None:
    sent: list[str] = []
    async with logging_world(format=log_format, access="all") as world:
        for number in range(rounds):
            await send_everywhere(world, sent, number)
        sent += [world.sk, world.pk, world.pat]
        await world.call("GET", "/v1/environments", token=world.pat)
    text = capsys.readouterr().err
    assert len(text.splitlines()) >= rounds * 7
    assert len(sent) >= rounds * 9
    assert [value for value in sent if value in text or quote(value) in text] == []


async def send_everywhere(world: World, sent: list[str], number: int) -> None:
    """A value each in a header, a query's value and name, a path, a body, a cookie, a method and another scheme."""
    made = [f"{kind}_canary{number:03}x{place}Qz" for place, kind in enumerate(("sk_dev", "pk_prod", "pat", "at") * 2)]
    plain = f"correct horse {number} battery"
    header, value, name, path, body, cookie, scheme, poll = made
    sent += [*made, plain]
    calls: list[tuple[str, str, Any, dict[str, str]]] = [
        ("GET", "/v1/spaces", None, {"Authorization": f"Bearer {header}"}),
        ("GET", f"/v1/spaces?token={value}&{name}=1&pageSize={value}&{quote(plain)}", None, {}),
        ("GET", f"/v1/spaces/{path}", None, {}),
        ("DELETE", f"/v1/auth/{path}/x", None, {}),
        ("POST", f"/v1/auth?key={value}", {"email": plain, "password": body}, {}),
        ("GET", "/", None, {"Cookie": f"sheetport_session={cookie}", "X-Request-Id": cookie}),
        ("GET", "/v1/users", None, {"Authorization": f"Basic {scheme}", "X-Forwarded-For": scheme}),
        ("GET", f"/v2/subscribe/sub-c-x/{poll}/0?auth={poll}&tt={poll}&uuid={poll}", None, {}),
    ]
    if number % 8:
        del calls[4]  # it hashes a password, which takes long by design
    for method, address, content, headers in calls:
        token = "" if "Authorization" in headers else None
        reply = await world.call(method, address, content, token=token, headers=headers)
        assert reply.status < 500
