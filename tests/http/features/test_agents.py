"""Agents over HTTP: no listener runs on the server, and the list says so for the caller's environment only."""

from __future__ import annotations

import pytest

from worlds import World


async def test_an_environment_has_no_agents(world: World) -> None:
    reply = await world.call("GET", "/v1/agents", params={"environmentId": world.dev})
    assert reply.status == 200
    assert reply.body == {"data": [], "pagination": {"currentPage": 1, "pageCount": 0, "totalCount": 0}}


async def test_another_environment_or_account_is_not_found(world: World) -> None:
    for foreign in (world.prod, world.other_env, "us_env_absent0000000000"):
        reply = await world.call("GET", "/v1/agents", params={"environmentId": foreign})
        assert (reply.status, reply.error["key"]) == (404, "environmentId"), foreign


@pytest.mark.parametrize(
    ("params", "key"),
    [({}, "environmentId"), ({"environmentId": "dev", "pageSize": "0"}, "pageSize")],
)
async def test_a_bad_question_names_its_field(world: World, params: dict[str, str], key: str) -> None:
    reply = await world.call("GET", "/v1/agents", params=params)
    assert (reply.status, reply.error["key"]) == (400, key)


async def test_no_token_and_a_publishable_key_list_nothing(world: World) -> None:
    assert (await world.call("GET", "/v1/agents", token="", params={"environmentId": world.dev})).status == 401
    assert (await world.call("GET", "/v1/agents", token=world.pk, params={"environmentId": world.dev})).status == 403


async def test_nothing_can_be_deployed(world: World) -> None:
    """It is not there yet, so a deploy fails at once instead of seeming to have worked."""
    body = {"topics": ["job:ready"], "compiler": "js", "source": "module.exports = () => {}"}
    reply = await world.call("POST", "/v1/agents", body, params={"environmentId": world.dev})
    assert reply.status == 501
    assert (await world.call("GET", "/v1/agents/us_ag_1")).status == 501
