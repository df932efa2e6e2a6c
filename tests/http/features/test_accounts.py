"""The caller's account over HTTP."""

from __future__ import annotations

import re
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


async def test_administrators_say_which_sites_may_frame_their_spaces_pages(world: World) -> None:
    space = (await world.call("POST", "/v1/spaces", {"name": "s", "environmentId": world.dev})).data["id"]
    foreign = await world.call("POST", "/v1/spaces", {"name": "s"}, token=world.sk_other)
    here = (f"/space/{space}", f"/space/{space}?token=x")
    elsewhere = (f"/space/{foreign.data['id']}", "/space/us_sp_none", "/space/%00", "/", "/device", "/security")

    async def framing(path: str) -> tuple[str, str | None]:
        headers = (await world.client.get(path)).headers
        found = re.search(r"frame-ancestors ([^;]+)", headers.get("content-security-policy", "frame-ancestors 'none'"))
        return found[1] if found else "", headers.get("x-frame-options")

    assert [await framing(path) for path in here] == [("'none'", "DENY")] * 2
    listed = ["https://APP.example.com:443/", "https://*.example.net", "https://app.example.com"]
    reply = await world.call("PATCH", PATH, {"embeddedDomainWhitelist": listed}, token=world.pat)
    assert answer_faults("patch", PATH, reply.body) == []
    assert reply.data["embeddedDomainWhitelist"] == ["https://app.example.com", "https://*.example.net"]
    (audit,) = await world.audits("account:update")
    assert "https://*.example.net" in audit["detail"]
    assert [await framing(path) for path in here] == [("https://app.example.com https://*.example.net", None)] * 2
    assert {(await framing(path))[0] for path in elsewhere} == {"'none'"}
    assert (await world.call("PATCH", PATH, {"embeddedDomainWhitelist": []}, token=world.sk)).status == 403
    await world.call("PATCH", PATH, {"name": "Acme"}, token=world.pat)
    assert (await framing(here[0]))[1] is None, "a new name leaves the list as it is"
    await world.call("PATCH", PATH, {"embeddedDomainWhitelist": []}, token=world.pat)
    assert await framing(here[0]) == ("'none'", "DENY")


@pytest.mark.parametrize(
    "origins",
    [
        ["https://a.example; script-src *"],
        ["https://a.example/page"],
        ["a.example"],
        ["*"],
        ["https://a.example\r\nX: y"],
        ["'self'"],
        ["http://[::1]"],
        [""],
        [f"https://{number}.example" for number in range(26)],
        "https://a.example",
        [5],
    ],
)
async def test_what_is_no_list_of_origins_is_refused(world: World, origins: Any) -> None:
    reply = await world.call("PATCH", PATH, {"embeddedDomainWhitelist": origins}, token=world.pat)
    assert (reply.status, reply.error["key"].split("[")[0]) == (400, "embeddedDomainWhitelist")
    assert (await world.call("GET", PATH)).data["embeddedDomainWhitelist"] == []


@pytest.mark.parametrize("body", [{"name": ""}, {"name": "n" * 256}, {"name": 5}])
async def test_a_wrong_name_is_refused(world: World, body: dict[str, Any]) -> None:
    reply = await world.call("PATCH", PATH, body, token=world.pat)
    assert (reply.status, reply.error["key"]) == (400, "name")


async def test_keys_cannot_change_the_account(world: World) -> None:
    for token in (world.sk, world.pk):
        assert (await world.call("PATCH", PATH, {"name": "Mine"}, token=token)).status == 403
