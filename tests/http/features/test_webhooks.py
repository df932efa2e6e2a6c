"""Webhooks over HTTP: made, changed, narrowed, rotated, tried."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from hook_world import PUBLIC, allow, make, set_clock, tell, until, verified, verify_public
from servers.hooks import HookReceiver, receiving
from sheetport.kernel.clock import DAY, SECOND
from worlds import Reply, World


@pytest.fixture
async def receiver() -> AsyncIterator[HookReceiver]:
    """A receiver that the development environment may call. It outlives whoever calls it."""
    async with receiving() as made:
        yield made


@pytest.fixture
async def world(receiver: HookReceiver, world: World) -> World:
    await allow(world, "127.0.0.1")
    return world


async def test_a_webhook_is_made_shown_changed_and_deleted(world: World) -> None:
    made = await make(world, topics=["job:*", "records:created"], namespaces=["space:red"], description=" Our  CRM ")
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert made["keys"][0]["publicKey"].startswith("whpk_")
    assert (made["state"], made["description"], made["environmentId"]) == ("enabled", "Our CRM", world.dev)
    shown = await world.call("GET", f"/v1/webhooks/{made['id']}")
    assert shown.data == made
    assert (await world.call("GET", "/v1/webhooks")).body["data"] == [made]
    reply = await world.call("PATCH", f"/v1/webhooks/{made['id']}", {"state": "paused", "reason": "moving"})
    assert reply.data == made | {"state": "paused", "reason": "moving", "updatedAt": reply.data["updatedAt"]}
    reply = await world.call("PATCH", f"/v1/webhooks/{made['id']}", {"state": "enabled"})
    assert "reason" not in reply.data
    assert (await world.call("DELETE", f"/v1/webhooks/{made['id']}")).status == 200
    assert (await world.call("GET", f"/v1/webhooks/{made['id']}")).status == 404
    assert (await world.call("GET", "/v1/webhooks")).body["data"] == []
    audits = [each for each in await world.audits() if each["action"].startswith("webhook:")]
    assert [each["action"].partition(":")[2] for each in audits] == ["create", "update", "update", "delete"]
    assert {each["environment_id"] for each in audits} == {world.dev}
    assert secret not in str(audits)
    assert "/hook" not in str(audits), "a path may be a secret"


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://user:secret@example.com/"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": PUBLIC + "x" * 2_000}, "url"),
        ({"url": "https://absent.invalid/"}, "url"),
        ({"url": PUBLIC, "topics": ["nothing:happens"]}, "topics"),
        ({"url": PUBLIC, "topics": []}, "topics"),
        ({"url": PUBLIC, "topics": ["a" * 101]}, "topics"),
        ({"url": PUBLIC, "topics": ["**"] + [f"job:{each}*" for each in range(60)]}, "topics"),
        ({"url": PUBLIC, "namespaces": ["{}"]}, "namespaces"),
        ({"url": PUBLIC, "description": "x" * 501}, "description"),
        ({"url": PUBLIC, "state": "on"}, "state"),
    ],
)
async def test_a_bad_webhook_names_its_field(world: World, body: dict[str, Any], key: str) -> None:
    reply = await world.call("POST", "/v1/webhooks", body)
    assert (reply.status, reply.error["key"]) == (400, key), reply.body
    assert (await world.call("GET", "/v1/webhooks")).data == []


async def test_a_private_target_is_refused_with_the_command_that_allows_it(world: World) -> None:
    for url in ("http://127.0.0.2:9/", "http://169.254.169.254/latest", "http://10.1.2.3/"):
        reply = await world.call("POST", "/v1/webhooks", {"url": url})
        host = url.split("/")[2].partition(":")[0]
        assert (reply.status, reply.error["key"]) == (400, "url")
        assert f"sheetport egress allow {host} --environment {world.dev}" in reply.error["message"]
    made = await make(world)
    reply = await world.call("PATCH", f"/v1/webhooks/{made['id']}", {"url": "http://10.1.2.3/"})
    assert (reply.status, reply.error["key"]) == (400, "url")
    await allow(world, "10.0.0.0/8")
    assert (await world.call("PATCH", f"/v1/webhooks/{made['id']}", {"url": "http://10.1.2.3/"})).status == 200


async def test_two_keys_sign_for_as_long_as_the_caller_chose(world: World, receiver: HookReceiver) -> None:
    set_clock(world)
    made = await make(world, receiver.url())
    path = f"/v1/webhooks/{made['id']}/rotate"
    second = (await world.call("POST", path, {"overlapSeconds": 60})).data
    await tell(world)
    await until(world, lambda: receiver.heard)
    assert [verified(each["secret"], receiver.heard[0])["type"] for each in (made, second)] == ["space:updated"] * 2
    assert [verify_public(each["publicKey"], receiver.heard[0]) for each in second["keys"]] == [True, True]
    world.clock.advance(61 * SECOND)
    await tell(world)
    await until(world, lambda: len(receiver.heard) == 2)
    verified(second["secret"], receiver.heard[1])
    with pytest.raises(WebhookVerificationError):
        verified(made["secret"], receiver.heard[1])
    third = (await world.call("POST", path, {"overlapSeconds": 0})).data
    assert len(third["keys"]) == 1
    for bad in (-1, 31 * DAY):
        assert (await world.call("POST", path, {"overlapSeconds": bad})).error["key"] == "overlapSeconds"
    _, audit = await world.audits("webhook:rotate")
    assert json.loads(audit["detail"]) == {"overlap_seconds": 0}
    told = str(await world.audits())
    assert second["secret"] not in told
    assert third["secret"] not in told


async def test_a_space_and_namespaces_narrow_what_is_sent(world: World, receiver: HookReceiver) -> None:
    spaces = []
    for name in ("red", "blue"):
        body = {"name": name, "environmentId": world.dev, "namespace": name}
        spaces.append((await world.call("POST", "/v1/spaces", body)).data["id"])
    of_space = await make(world, receiver.url("space"), spaceId=spaces[0])
    by_name = await make(world, receiver.url("named"), namespaces=["space:bl*"])
    every = (await world.call("POST", "/v1/webhooks", {"url": receiver.url("every")})).data
    assert every.pop("secret")
    assert every["topics"] == ["**"]
    alerts = await make(world, receiver.url("alerts"), topics=["api-key:*"])
    for space in spaces:
        await world.call("PATCH", f"/v1/spaces/{space}", {"name": "new"})
    key = await world.call(
        "POST", "/v1/auth/api-key", token=world.pat, params={"environmentId": world.dev, "type": "SECRET"}
    )
    await world.call(
        "DELETE", "/v1/auth/api-key", token=world.pat, params={"environmentId": world.dev, "key": key.data[-1]["id"]}
    )
    await until(world, lambda: len(receiver.at("every")) >= 2 and receiver.at("alerts"))
    await until(world, lambda: receiver.at("space") and receiver.at("named"))
    told = {
        path: [each.json["data"]["context"].get("spaceId") for each in receiver.at(path)] for path in ("space", "named")
    }
    assert told == {"space": [spaces[0]], "named": [spaces[1]]}
    assert {each.json["type"] for each in receiver.at("alerts")} == {"api-key:revoked"}
    assert "api-key:revoked" not in {each.json["type"] for each in receiver.at("every")}, (
        "alerts go where they are named"
    )
    assert of_space["spaceId"] == spaces[0]
    listed = await world.call("GET", "/v1/webhooks", params={"spaceId": spaces[0]})
    assert [each["id"] for each in listed.data] == [of_space["id"]]
    await world.call("DELETE", f"/v1/spaces/{spaces[0]}")
    assert (await world.call("GET", f"/v1/webhooks/{of_space['id']}")).status == 404, "it ends with its space"
    assert {each["id"] for each in (await world.call("GET", "/v1/webhooks")).data} == {
        each["id"] for each in (by_name, every, alerts)
    }


async def test_the_test_button_sends_at_once_and_says_what_came_back(world: World, receiver: HookReceiver) -> None:
    set_clock(world)
    made = await make(world, receiver.url())
    reply = await world.call("POST", f"/v1/webhooks/{made['id']}/test")
    assert (reply.data["ok"], reply.data["status"]) == (True, 200)
    assert verified(made["secret"], receiver.heard[0])["type"] == "webhook:test"
    assert receiver.heard[0].id == reply.data["messageId"]
    await world.call("PATCH", f"/v1/webhooks/{made['id']}", {"url": receiver.url("fail"), "state": "disabled"})
    reply = await world.call("POST", f"/v1/webhooks/{made['id']}/test")
    assert (reply.data["ok"], reply.data["status"], reply.data["response"]) == (False, 500, "oops")
    assert len(await world.audits("webhook:test")) == 2
    assert (await world.call("GET", f"/v1/webhooks/{made['id']}/deliveries")).data == []


async def test_others_do_not_know_of_it(world: World) -> None:
    made = await make(world)
    path = f"/v1/webhooks/{made['id']}"
    calls: list[tuple[str, str, Any]] = [
        ("GET", path, None),
        ("PATCH", path, {"description": "x"}),
        ("DELETE", path, None),
        *[("POST", f"{path}/{verb}", None) for verb in ("rotate", "test", "replay")],
        ("GET", f"{path}/deliveries", None),
    ]

    async def statuses(token: str) -> set[int]:
        replies: list[Reply] = [await world.call(*call, token=token) for call in calls]
        return {reply.status for reply in replies}

    assert await statuses(world.sk_other) == {404}
    assert await statuses(world.sk_prod) == {404}
    assert await statuses(world.pk) == {403}
    assert (await world.call("GET", f"{path}/deliveries/us_evt_none")).error["key"] == "eventId"
    assert (await world.call("GET", f"{path}/deliveries", params={"state": "lost"})).error["key"] == "state"
    assert (await world.call("POST", f"{path}/replay", {"since": "yesterday"})).error["key"] == "since"
    assert (await world.call("POST", "/v1/webhooks", {"url": PUBLIC}, token=world.pat)).error["key"] == "environmentId"
    assert (await world.call("GET", "/v1/webhooks", token=world.pat)).error["key"] == "environmentId"
