"""Webhooks over HTTP: made, changed, rotated, and their deliveries, to real receivers."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError

from servers.hooks import Heard, HookReceiver, receiving
from sheetport.features.egress import service as egress
from sheetport.features.webhooks.model import FAILING_LIMIT, SCHEDULE
from sheetport.features.webhooks.service import sending
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import DAY, HOUR, MINUTE, SECOND
from sheetport.runtime.background import sweep_events
from worlds import Reply, World

PUBLIC = "https://93.184.216.34/hook"


@pytest.fixture
async def receiver(world: World) -> AsyncIterator[HookReceiver]:
    """A receiver that the development environment may call."""
    await allow(world, "127.0.0.1")
    async with receiving() as made:
        yield made


async def allow(world: World, target: str) -> None:
    await world.db.write(lambda uow: egress.allow_target(uow, system_actor(world.account_id), target, world.dev))


async def make(world: World, url: str = PUBLIC, **more: Any) -> dict[str, Any]:
    """A webhook, by default for what :func:`tell` tells."""
    reply = await world.call("POST", "/v1/webhooks", {"url": url, "topics": ["space:updated"], **more})
    assert reply.status == 200, reply.body
    return dict(reply.data)


async def tell(world: World, topic: str = "space:updated", **more: Any) -> str:
    """Write an event; its id."""
    body = {"topic": topic, "domain": "space", "context": {"environmentId": world.dev}, "payload": {}, **more}
    reply = await world.call("POST", "/v1/events", body)
    assert reply.status == 200, reply.body
    return str(reply.data["id"])


async def until(world: World, is_so: Callable[[], Any]) -> None:
    """Wait for what the sender does, having it look again and again."""
    async with asyncio.timeout(10):
        while not is_so():
            world.app.webhook_sender.wake()
            await asyncio.sleep(0.02)


async def delivery(world: World, webhook: dict[str, Any], event: str, **wanted: Any) -> dict[str, Any]:
    """A delivery, once it is as wanted."""
    async with asyncio.timeout(10):
        while True:
            world.app.webhook_sender.wake()
            reply = await world.call("GET", f"/v1/webhooks/{webhook['id']}/deliveries/{event}")
            if reply.status == 200 and all(reply.data.get(name) == value for name, value in wanted.items()):
                return dict(reply.data)
            await asyncio.sleep(0.02)


def verified(secret: str, heard: Heard) -> Any:
    """What the official library makes of a message. Raises WebhookVerificationError."""
    return Webhook(secret).verify(heard.body, heard.headers)


def verify_public(public_key: str, heard: Heard) -> bool:
    """Whether one of the message's v1a signatures is the key's."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    signed = f"{heard.id}.{heard.headers['webhook-timestamp']}.".encode() + heard.body
    for each in heard.headers["webhook-signature"].split(" "):
        version, _, signature = each.partition(",")
        if version == "v1a":
            try:
                key.verify(base64.b64decode(signature), signed)
            except Exception:  # noqa: BLE001 - the next one may be the key's
                continue
            return True
    return False


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
    for url in ("http://127.0.0.1:9/", "http://169.254.169.254/latest", "http://10.1.2.3/"):
        reply = await world.call("POST", "/v1/webhooks", {"url": url})
        host = url.split("/")[2].partition(":")[0]
        assert (reply.status, reply.error["key"]) == (400, "url")
        assert f"sheetport egress allow {host} --environment {world.dev}" in reply.error["message"]
    made = await make(world)
    reply = await world.call("PATCH", f"/v1/webhooks/{made['id']}", {"url": "http://10.1.2.3/"})
    assert (reply.status, reply.error["key"]) == (400, "url")
    await allow(world, "10.0.0.0/8")
    assert (await world.call("PATCH", f"/v1/webhooks/{made['id']}", {"url": "http://10.1.2.3/"})).status == 200


async def test_a_delivery_is_what_the_official_library_verifies(world: World, receiver: HookReceiver) -> None:
    world.clock.advance(int(time.time() * 1_000) - world.clock.now())
    made = await make(world, receiver.url(), topics=["space:*"])
    await tell(world, "job:completed", domain="job")
    event = await tell(world, payload={"hello": "world"})
    await until(world, lambda: receiver.heard)
    heard = receiver.heard[0]
    assert heard.id == event
    assert verified(made["secret"], heard)["data"]["payload"] == {"hello": "world"}
    assert verify_public(made["keys"][0]["publicKey"], heard)
    whole = (await world.call("GET", f"/v1/events/{event}")).data
    assert heard.json == {"type": "space:updated", "timestamp": whole["createdAt"], "data": whole}
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(heard.body + b" ", heard.headers)
    log = await delivery(world, made, event, state="delivered")
    assert (log["status"], log["attempts"], log["response"]) == (200, 1, "ok")
    assert [each.id for each in receiver.heard] == [event], "what is not asked for is not sent"
    listed = await world.call("GET", f"/v1/webhooks/{made['id']}/deliveries", params={"state": "delivered"})
    assert [each["eventId"] for each in listed.data] == [event]


async def test_two_keys_sign_for_as_long_as_the_caller_chose(world: World, receiver: HookReceiver) -> None:
    world.clock.advance(int(time.time() * 1_000) - world.clock.now())
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


async def test_failed_attempts_are_made_again_by_the_schedule_until_the_last(
    world: World, receiver: HookReceiver
) -> None:
    made = await make(world, receiver.url("fail"))
    event = await tell(world)
    for count, wait in enumerate(SCHEDULE[1:], start=1):
        log = await delivery(world, made, event, attempts=count)
        assert (log["state"], log["status"], log["response"]) == ("pending", 500, "oops")
        world.clock.advance(wait - 1)
        world.app.webhook_sender.wake()
        await asyncio.sleep(0.05)
        assert len(receiver.heard) == count, "not before its time"
        world.clock.advance(wait // 10 + 2)
    log = await delivery(world, made, event, state="dead")
    assert (log["attempts"], len(receiver.heard)) == (len(SCHEDULE), len(SCHEDULE))
    assert {each.id for each in receiver.heard} == {event}, "every attempt has the same id"
    receiver.behaviour["fail"] = "ok"
    path = f"/v1/webhooks/{made['id']}"
    assert (await world.call("POST", f"{path}/replay", {"since": "2200-01-01"})).data == {"replayed": 0}
    assert (await world.call("POST", f"{path}/replay")).data == {"replayed": 1}
    await delivery(world, made, event, state="delivered", attempts=1)
    assert (await world.call("POST", f"{path}/deliveries/{event}/replay")).data["state"] == "pending"
    await until(world, lambda: len(receiver.heard) == len(SCHEDULE) + 2)
    assert len(await world.audits("webhook:replay")) == 3


async def test_one_failing_delivery_holds_up_no_other_and_a_space_is_in_order(
    world: World, receiver: HookReceiver
) -> None:
    made = await make(world, receiver.url("hook"))
    receiver.behaviour["hook"] = "fail"
    first = await tell(world)
    await delivery(world, made, first, attempts=1)
    receiver.behaviour["hook"] = "ok"
    events = [await tell(world, payload={"number": number}) for number in range(20)]
    for event in events:
        await delivery(world, made, event, state="delivered")
    assert receiver.heard[0].id == first
    events.append(await tell(world))
    events += [await tell(world, payload={"number": number}) for number in range(20)]
    await delivery(world, made, events[-1], state="delivered")
    order = [each.id for each in receiver.heard if each.id in events[20:]]
    assert order == events[20:], "the receiver is well again, so the order is the log's"
    assert receiver.connections <= 9, "connections are kept"


async def test_retry_after_holds_everything_back(world: World, receiver: HookReceiver) -> None:
    made = await make(world, receiver.url("busy"))
    first = await tell(world)
    await delivery(world, made, first, attempts=1)
    second = await tell(world)
    world.clock.advance(119 * SECOND)
    world.app.webhook_sender.wake()
    await asyncio.sleep(0.05)
    assert [each.id for each in receiver.heard] == [first]
    receiver.behaviour["busy"] = "ok"
    world.clock.advance(2 * SECOND)
    await delivery(world, made, second, state="delivered")
    await delivery(world, made, first, state="delivered", attempts=2)


async def test_gone_disables_and_tells(world: World, receiver: HookReceiver) -> None:
    made = await make(world, receiver.url("gone"))
    event = await tell(world)
    log = await delivery(world, made, event, state="dead")
    assert "410" in log["error"]
    shown = (await world.call("GET", f"/v1/webhooks/{made['id']}")).data
    assert (shown["state"], "410" in shown["reason"]) == ("disabled", True)
    (alert,) = await world.events("webhook:disabled")
    assert (alert["target"], json.loads(alert["payload"])["reason"]) == (made["id"], "gone")
    assert len(await world.audits("webhook:disabled")) == 1
    missed = await tell(world)
    assert (await world.call("POST", f"/v1/webhooks/{made['id']}/replay")).status == 409
    change = {"state": "enabled", "url": receiver.url()}
    assert (await world.call("PATCH", f"/v1/webhooks/{made['id']}", change)).status == 200
    later = await tell(world)
    await delivery(world, made, later, state="delivered")
    assert (await world.call("POST", f"/v1/webhooks/{made['id']}/replay")).data == {"replayed": 1}
    await delivery(world, made, event, state="delivered")
    assert missed not in [each.id for each in receiver.heard], "a disabled webhook has no place in the log"


async def test_a_receiver_that_fails_for_days_is_left_alone(world: World, receiver: HookReceiver) -> None:
    made = await make(world, receiver.url("fail"))
    await delivery(world, made, await tell(world), attempts=1)
    world.clock.advance(FAILING_LIMIT + MINUTE)
    await until(world, lambda: len(receiver.heard) >= 2)
    async with asyncio.timeout(10):
        while (await world.call("GET", f"/v1/webhooks/{made['id']}")).data["state"] != "disabled":
            await asyncio.sleep(0.02)
    (alert,) = await world.events("webhook:disabled")
    assert json.loads(alert["payload"])["reason"] == "failing"


async def test_a_paused_webhook_keeps_its_place(world: World, receiver: HookReceiver) -> None:
    made = await make(world, receiver.url(), state="paused")
    event = await tell(world)
    world.app.webhook_sender.wake()
    await asyncio.sleep(0.05)
    assert receiver.heard == []
    await world.call("PATCH", f"/v1/webhooks/{made['id']}", {"state": "enabled"})
    await delivery(world, made, event, state="delivered")


async def test_receivers_that_misbehave_are_seen_in_the_log(
    world: World, receiver: HookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "ATTEMPT_SECONDS", 0.5)
    receiver.says = f"no: {world.sk} and Zm9yZ2VyeQ0123456789abcdefghij \x07".encode()
    said = {
        "hang": "within 0.5 seconds",
        "trickle": "within 0.5 seconds",
        "drop": "broke off",
        "move": "redirects are not followed",
        "echo": "400",
    }
    made = {word: await make(world, receiver.url(word)) for word in (*said, "large")}
    event = await tell(world)
    for word, error in said.items():
        log = await delivery(world, made[word], event, attempts=1)
        assert error in log["error"], word
        assert log["state"] == "pending"
    assert receiver.at("ok") == [], "nothing went where the redirect led"
    echoed = await delivery(world, made["echo"], event)
    assert world.sk not in echoed["response"]
    assert "Zm9yZ2VyeQ01" not in echoed["response"]
    large = await delivery(world, made["large"], event, state="delivered")
    assert len(large["response"]) <= 300


async def test_a_target_that_is_no_longer_allowed_is_shown_in_the_log(world: World, receiver: HookReceiver) -> None:
    made = await make(world, receiver.url() + "?token=hidden-in-the-query")
    actor = system_actor(world.account_id)
    await world.db.write(lambda uow: egress.remove_target(uow, actor, "127.0.0.1", world.dev))
    log = await delivery(world, made, await tell(world), attempts=1)
    assert f"sheetport egress allow 127.0.0.1 --environment {world.dev}" in log["error"]
    assert "hidden-in-the-query" not in str(log)
    assert receiver.heard == []


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


async def test_a_long_event_is_cut_and_says_where_the_whole_is(world: World, receiver: HookReceiver) -> None:
    await make(world, receiver.url())
    long = await tell(world, payload={"text": "x" * 30_000}, dataUrl="https://example.com/data")
    longer = await tell(world, attributes={"text": "y" * 30_000}, origin={"text": "z" * 30_000}, target="t" * 30_000)
    await until(world, lambda: len(receiver.heard) == 2)
    for event, heard in zip((long, longer), receiver.heard, strict=True):
        assert len(heard.body) < 20_000
        data = heard.json["data"]
        assert (data["id"], data["truncated"]) == (event, True)
        assert data["eventUrl"].endswith(f"/v1/events/{event}")
        assert data["context"]["environmentId"] == world.dev
    assert receiver.heard[0].json["data"]["dataUrl"] == "https://example.com/data"


async def test_the_test_button_sends_at_once_and_says_what_came_back(world: World, receiver: HookReceiver) -> None:
    world.clock.advance(int(time.time() * 1_000) - world.clock.now())
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


async def test_the_delivery_log_is_kept_as_long_as_events(world: World, receiver: HookReceiver) -> None:
    made = await make(world, receiver.url())
    event = await tell(world)
    await delivery(world, made, event, state="delivered")
    world.clock.advance(9 * DAY + HOUR)
    await sweep_events(world.db, 7)
    assert (await world.call("GET", f"/v1/webhooks/{made['id']}/deliveries")).data == []
