"""What stands in front of the router: spellings of a path, bodies, refusals in the one error shape."""

from __future__ import annotations

import gzip
import json

import pytest

from sheetport.http.front import one_spelling
from worlds import World


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        ("/v1/spaces", "/v1/spaces"),
        ("/api/v1/spaces", "/v1/spaces"),
        ("//v1//spaces", "/v1/spaces"),
        ("/api//v1/spaces/us_sp_1", "/v1/spaces/us_sp_1"),
        ("/v1/v1/workbooks/w/flags", "/v1/workbooks/w/flags"),
        ("/api/v2-alpha/records.jsonl", "/v2-alpha/records.jsonl"),
        ("/api/v1", "/v1"),
        ("/v1x/spaces", "/v1x/spaces"),
        ("/", "/"),
        ("/apiary", "/apiary"),
    ],
)
def test_each_route_has_one_spelling(sent: str, known: str) -> None:
    assert one_spelling(sent) == known


async def test_every_prefix_answers_alike(world: World) -> None:
    for path in ("/v1/environments", "/api/v1/environments", "http://sheetport.test//v1/environments"):
        assert [item["id"] for item in (await world.call("GET", path)).data] == [world.dev]


async def test_a_gzip_body_is_inflated(world: World) -> None:
    body = gzip.compress(json.dumps({"metadata": {"zipped": True}}).encode())
    reply = await world.call(
        "PATCH",
        f"/v1/environments/{world.dev}",
        content=body,
        headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
    )
    assert reply.body["metadata"] == {"zipped": True}


@pytest.mark.parametrize(
    ("content", "headers", "status", "key"),
    [
        (b"not gzip", {"Content-Encoding": "gzip", "Content-Type": "application/json"}, 400, "Content-Encoding"),
        (
            gzip.compress(b"{}", mtime=0)[:-6],
            {"Content-Encoding": "gzip", "Content-Type": "application/json"},
            400,
            "Content-Encoding",
        ),
        (b"{}", {"Content-Encoding": "br", "Content-Type": "application/json"}, 415, "Content-Encoding"),
        (b"<a/>", {"Content-Type": "application/xml"}, 415, "Content-Type"),
        (b"{", {"Content-Type": "application/json"}, 400, "body"),
        (b"[1]", {"Content-Type": "application/json"}, 400, "body"),
        (b'{"name": "\xff"}', {"Content-Type": "application/json"}, 400, "body"),
    ],
)
async def test_a_bad_body_is_refused_in_the_one_shape(
    world: World, content: bytes, headers: dict[str, str], status: int, key: str
) -> None:
    reply = await world.call("PATCH", f"/v1/environments/{world.dev}", content=content, headers=headers)
    assert (reply.status, reply.error["key"]) == (status, key)
    assert await world.events("environment:updated") == []


async def test_an_oversize_body_is_refused_plain_and_inflated(world: World) -> None:
    huge = b" " * (33 * 1024 * 1024)
    reply = await world.call("PATCH", f"/v1/environments/{world.dev}", content=huge)
    assert (reply.status, reply.error["key"]) == (413, "body")
    bomb = gzip.compress(b" " * (257 * 1024 * 1024), 1)
    reply = await world.call(
        "PATCH", f"/v1/environments/{world.dev}", content=bomb, headers={"Content-Encoding": "gzip"}
    )
    assert (reply.status, reply.error["key"]) == (413, "body")


async def test_unknown_routes_and_methods_have_the_one_shape(world: World) -> None:
    reply = await world.call("GET", "/v1/nothing")
    assert (reply.status, reply.error["key"]) == (404, "path")
    reply = await world.call("PUT", "/v1/environments", {})
    assert (reply.status, reply.error["key"]) == (405, "method")


@pytest.mark.parametrize("token", ["", "nonsense", "sk_dev_x", "spt_us_sp_x.1.0.sig", "a" * 5_000, "spt_..."])
async def test_no_or_a_wrong_token_is_refused(world: World, token: str) -> None:
    reply = await world.call("GET", "/v1/environments", token=token)
    assert (reply.status, reply.error["key"]) == (401, "auth")
    assert "Bearer" in reply.headers["www-authenticate"]


async def test_every_reply_carries_a_request_id(world: World) -> None:
    assert (await world.call("GET", "/v1/environments")).headers["x-request-id"].startswith("req_")
    assert (await world.call("GET", "/v1/nothing")).headers["x-request-id"].startswith("req_")
