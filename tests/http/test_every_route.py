"""What holds for every route there is: a documented envelope, a token asked for, one shape of failure, never a 500."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import httpx
import pytest

from architecture.envelopes import Document, envelope_faults, error_fault
from architecture.route_walk import calls, open_without_token, wrong_failures
from architecture.sources import ROOT
from sheetport.bootstrap import ROUTERS
from sheetport.http.openapi import openapi_document
from worlds import World

REFERENCE = json.loads((ROOT / "tests" / "data" / "openapi.json").read_text())
#: Routes anyone may call, as "METHOD path".
PUBLIC = {
    "POST /v1/auth",
    "POST /v1/auth/refresh-token",
    "POST /v1/credentials/revoke",
    "POST /v1/credentials/secret-scanning",
    "POST /v1/oauth/token",
    "POST /v1/oauth/device_authorization",
    "POST /v1/oauth/revoke",
    "POST /v1/invitations/exchange",
}
#: What one action's answer has beside its data, for Python's client, which reads a bare action.
ONE_ACTION = {"data", "id", "targetId", "label", "createdAt", "updatedAt"}
#: Answers of our own that are no envelope, as "method path": keys.
OWN_SHAPES: dict[str, set[str]] = {
    "post /v1/actions": ONE_ACTION,
    "get /v1/actions/{}": ONE_ACTION,
    "patch /v1/actions/{}": ONE_ACTION,
    "get /v1/events/stream": {"raw"},
    "get /v1/audit/export": {"raw"},
    "post /v1/credentials/secret-scanning": set(),  # a bare array, as scanning services read it
    "post /v1/oauth/token": {"access_token", "issued_token_type", "token_type", "expires_in", "scope"},
    "post /v1/oauth/device_authorization": {
        "device_code",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_in",
        "interval",
    },
    "post /v1/oauth/revoke": {"success"},
    "post /v1/oauth/introspect": {"active", "scope", "sub", "exp"},
}


@cache
def described() -> Document:
    """The routes under /v1: those at the root speak another client's language, or a browser's."""
    document = openapi_document(ROUTERS)
    paths = {path: item for path, item in document["paths"].items() if path.startswith("/v1/")}
    return {**document, "paths": paths}


def test_documented_answers_are_those_of_the_public_api() -> None:
    document = described()
    assert ("GET", "/v1/environments") in calls(document)
    assert envelope_faults(document, REFERENCE, OWN_SHAPES) == []


async def test_every_route_asks_for_a_token(world: World) -> None:
    assert await open_without_token(world.client, described(), PUBLIC) == []


async def test_no_broken_request_ends_in_a_server_error(world: World) -> None:
    for token in (world.sk, world.pk, "nonsense"):
        assert await wrong_failures(world.client, described(), token) == []


async def test_unknown_routes_and_methods_answer_in_the_one_shape(world: World) -> None:
    for method, path, status in (("GET", "/v1/nothing", 404), ("PUT", "/v1/environments", 405)):
        reply = await world.call(method, path, {})
        assert (reply.status, error_fault(reply.status, reply.body)) == (status, None)


@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (400, b'{"detail": "no"}'), (200, b"")])
async def test_the_walk_finds_a_wrong_answer(status: int, body: bytes) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})

    document = {"paths": {"/v1/x/{id}": {"get": {}}}}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://walk.test") as client:
        assert len(await wrong_failures(client, document, "t")) == 1
        assert len(await open_without_token(client, document, ())) == 1
        assert await open_without_token(client, document, {"GET /v1/x/us_xx_0000nothing"}) == []
