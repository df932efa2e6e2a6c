"""Calls that come too often are refused, in the API's one shape, and every answer says what is left."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

from servers.data_places import DataPlace
from sheetport.config import HttpSettings, StorageSettings
from sheetport.kernel.rates import Bucket, Rate
from worlds import PASSWORD, Reply, World, opened_world

RATES = {
    Bucket.ADDRESS: Rate(60, 3_600),
    Bucket.ACCOUNT: Rate(12, 3_600),
    Bucket.READS: Rate(5, 3_600),
    Bucket.WRITES: Rate(3, 3_600),
    Bucket.STREAMS: Rate(2, 3_600),
    Bucket.SIGN_INS: Rate(4, 3_600),
    Bucket.EMBEDDED_SPACES: Rate(2, 3_600),
    Bucket.EXCHANGES: Rate(2, 3_600),
}


def opened(place: DataPlace) -> AbstractAsyncContextManager[World]:
    """A world of few calls."""
    storage = StorageSettings(place.data, place.data.with_suffix(".key"), place.url)
    return opened_world(storage, HttpSettings(), rates=RATES)


@pytest.fixture
async def limited(sqlite_place: DataPlace) -> AsyncIterator[World]:
    async with opened(sqlite_place) as world:
        yield world


@pytest.fixture
async def limited_on_both(data_place: DataPlace) -> AsyncIterator[World]:
    async with opened(data_place) as world:
        yield world


def told(reply: Reply) -> tuple[str, int, int]:
    """The bucket, what is left in it, and its size, as the headers say."""
    found = re.fullmatch(r'"([a-z-]+)";r=(\d+);t=(\d+)', reply.headers["ratelimit"])
    policy = re.fullmatch(r'"([a-z-]+)";q=(\d+);w=3600', reply.headers["ratelimit-policy"])
    assert found is not None
    assert policy is not None
    assert found[1] == policy[1]
    assert 0 <= int(found[3]) <= 3_600
    return found[1], int(found[2]), int(policy[2])


def refused(reply: Reply, bucket: Bucket) -> None:
    assert (reply.status, reply.error["key"]) == (429, bucket)
    assert "Retry-After" in reply.error["message"]
    assert 0 < int(reply.headers["retry-after"]) <= 3_600
    assert told(reply) == (bucket, 0, RATES[bucket].calls)
    if bucket is Bucket.ADDRESS:  # refused before what answers for other origins
        assert reply.headers["access-control-allow-origin"] == "*"


async def test_every_class_of_calls_has_its_bucket(limited_on_both: World) -> None:
    limited = limited_on_both
    path = f"/v1/environments/{limited.dev}"
    reads = [await limited.call("GET", path, token=limited.sk) for _ in range(5)]
    assert [(reply.status, *told(reply)) for reply in reads] == [(200, "reads", left, 5) for left in (4, 3, 2, 1, 0)]
    refused(await limited.call("GET", path), Bucket.READS)
    refused(await limited.call("GET", "/v1/environments"), Bucket.READS)  # however the route is served
    body = {"name": "S", "environmentId": limited.dev}
    writes = [await limited.call("POST", "/v1/spaces", body) for _ in range(3)]
    assert [(reply.status, *told(reply)) for reply in writes] == [(200, "writes", left, 3) for left in (2, 1, 0)]
    refused(await limited.call("POST", "/v1/spaces", body), Bucket.WRITES)
    assert (await limited.call("GET", path, token=limited.pat)).status == 200  # another token has its own


async def test_an_account_has_one_bucket_for_all_its_tokens(limited: World) -> None:
    replies = []
    for token in (limited.sk, limited.pat, limited.sk_prod):
        replies += [await limited.call("GET", "/v1/environments", token=token) for _ in range(5)]
    assert [reply.status for reply in replies].count(200) == 12
    refused(replies[-1], Bucket.ACCOUNT)
    assert (await limited.call("GET", "/v1/environments", token=limited.sk_other)).status == 200


async def test_what_takes_no_token_is_limited_by_address(limited: World) -> None:
    wrong = {"email": "admin@example.com", "password": "wrong wrong wrong wrong"}
    tried = [await limited.call("POST", "/v1/auth", wrong, token="") for _ in range(3)]
    assert [(reply.status, *told(reply)) for reply in tried] == [(401, "sign-ins", left, 4) for left in (3, 2, 1)]
    right = {"email": "admin@example.com", "password": PASSWORD}
    assert (await limited.call("POST", "/v1/auth", right, token="")).status == 200
    refused(await limited.call("POST", "/v1/auth", right, token=""), Bucket.SIGN_INS)
    form = {"email": "admin@example.com", "password": PASSWORD}
    page = await limited.post_form("/sign-in", form)
    assert page.status_code == 429  # one bucket, whichever way in
    init = f"/v1/internal/spaces/init?publishableKey={limited.pk}"
    made = [await limited.call("POST", init, {"space": {"name": "S"}}, token="") for _ in range(3)]
    assert [reply.status for reply in made] == [200, 200, 429]
    refused(made[-1], Bucket.EMBEDDED_SPACES)


async def test_what_else_needs_no_token_and_changes_something_is_limited_too(limited: World) -> None:
    refusals = [await limited.client.post("/sign-out") for _ in range(3)]
    assert [reply.status_code for reply in refusals] == [403, 403, 429]
    assert (await limited.client.get("/")).status_code == 200


async def test_opening_streams_has_a_bucket(limited: World) -> None:
    path = f"/v1/events/stream?environmentId={limited.dev}"
    begun = [await limited.call("GET", path) for _ in range(3)]
    assert [reply.status for reply in begun] == [200, 200, 429]
    refused(begun[-1], Bucket.STREAMS)


async def test_an_address_is_refused_before_anything_else_and_health_never_is(limited: World) -> None:
    replies = [await limited.call("GET", "/nowhere", token="") for _ in range(61)]
    assert [reply.status for reply in replies].count(404) == 60
    refused(replies[-1], Bucket.ADDRESS)
    for path in ("/healthz", "/readyz"):
        reply = await limited.call("GET", path, token="")
        assert (reply.status, "ratelimit" in reply.headers) == (200, False)


async def test_where_limits_are_off_nothing_is_told(world: World) -> None:
    reply = await world.call("GET", f"/v1/environments/{world.dev}")
    assert (reply.status, "ratelimit" in reply.headers) == (200, False)
