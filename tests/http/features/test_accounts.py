"""The caller's account over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from documented import answer_faults
from sheetport.kernel.clock import iso
from worlds import START, World

PATH = "/v1/accounts/current"


async def test_every_caller_in_an_environment_reads_its_account(world: World) -> None:
    for token in (world.pat, world.sk):
        reply = await world.call("GET", PATH, token=token)
        assert reply.status == 200
        assert answer_faults("get", PATH, reply.body) == []
        assert (reply.data["id"], reply.data["name"]) == (world.account_id, "account")
    assert (await world.call("GET", PATH, token=world.pat_other)).data["id"] == world.other_account_id
    assert (await world.call("GET", PATH, token=world.pk)).status == 403


async def test_users_rename_their_account(world: World) -> None:
    world.clock.advance(1)
    body = {"name": " Acme ", "subdomain": "ignored", "defaultAppId": None}
    reply = await world.call("PATCH", PATH, body, token=world.pat)
    assert answer_faults("patch", PATH, reply.body) == []
    assert reply.data == (await world.call("GET", PATH)).data
    assert (reply.data["name"], reply.data["updatedAt"]) == ("Acme", iso(START + 1))
    assert "subdomain" not in reply.data
    (audit,) = await world.audits("account:update")
    assert (audit["target"], audit["actor_id"]) == (world.account_id, world.user_id)
    assert (await world.call("GET", PATH, token=world.pat_other)).data["name"] == "other_account"


@pytest.mark.parametrize("body", [{"name": ""}, {"name": "n" * 256}, {"name": 5}])
async def test_a_wrong_name_is_refused(world: World, body: dict[str, Any]) -> None:
    reply = await world.call("PATCH", PATH, body, token=world.pat)
    assert (reply.status, reply.error["key"]) == (400, "name")


async def test_keys_cannot_change_the_account(world: World) -> None:
    for token in (world.sk, world.pk):
        assert (await world.call("PATCH", PATH, {"name": "Mine"}, token=token)).status == 403
