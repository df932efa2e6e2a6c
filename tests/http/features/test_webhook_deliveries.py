"""Deliveries of webhooks to real receivers, well-behaved or not, on both databases."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from hook_world import allow, delivery, make, set_clock, tell, until, verified, verify_public
from servers.hooks import HookReceiver, receiving
from sheetport.features.egress import service as egress
from sheetport.features.webhooks import service as webhooks
from sheetport.features.webhooks.model import FAILING_LIMIT, LEASE, SCHEDULE, Outcome
from sheetport.features.webhooks.service import sending
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import DAY, HOUR, MINUTE, SECOND
from sheetport.runtime.background import sweep_events
from worlds import World

VERIFY = Path(__file__).parents[2] / "clients" / "verify-webhook.mjs"


@pytest.fixture
async def receiver() -> AsyncIterator[HookReceiver]:
    """A receiver that the development environment may call. It outlives whoever calls it."""
    async with receiving() as made:
        yield made


@pytest.fixture
async def world(receiver: HookReceiver, world: World) -> World:
    await allow(world, "127.0.0.1")
    return world


async def test_a_delivery_is_what_the_official_library_verifies(world: World, receiver: HookReceiver) -> None:
    set_clock(world)
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


async def test_the_delivery_log_is_kept_as_long_as_events(world: World, receiver: HookReceiver) -> None:
    made = await make(world, receiver.url())
    event = await tell(world)
    await delivery(world, made, event, state="delivered")
    world.clock.advance(9 * DAY + HOUR)
    await sweep_events(world.db, 7)
    assert (await world.call("GET", f"/v1/webhooks/{made['id']}/deliveries")).data == []


async def test_the_official_npm_library_verifies_both_secrets_of_a_rotation(
    world: World, receiver: HookReceiver, node: str, node_project: Callable[[str], Path]
) -> None:
    set_clock(world)
    made = await make(world, receiver.url())
    second = (await world.call("POST", f"/v1/webhooks/{made['id']}/rotate")).data
    await tell(world, payload={"name": "Zoë"})
    await until(world, lambda: receiver.heard)
    heard, project = receiver.heard[0], node_project("standardwebhooks")
    script = Path(shutil.copy(VERIFY, project))
    secrets = [made["secret"], second["secret"], "whsec_" + "A" * 43 + "="]
    asked = {"body": heard.body.decode(), "headers": heard.headers, "secrets": secrets}
    done = await asyncio.to_thread(
        subprocess.run, [node, script.name], cwd=project, input=json.dumps(asked), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    first, again, forged = json.loads(done.stdout)
    assert first == again == heard.json
    assert forged == "No matching signature found"


async def test_one_process_at_a_time_serves_a_webhook_and_another_takes_over(
    world: World, receiver: HookReceiver
) -> None:
    made = await make(world, receiver.url(), state="paused")
    event = await tell(world)
    await world.call("PATCH", f"/v1/webhooks/{made['id']}", {"state": "enabled"})
    await delivery(world, made, event, state="delivered")
    (work,) = await world.db.read(webhooks.list_work)

    async def turn(holder: str, outcomes: list[Outcome]) -> webhooks.Turn | None:
        fresh = await world.db.read(partial(webhooks.look_ahead, webhook=work.webhook, after=work.webhook.position))
        return await world.db.write(
            partial(
                webhooks.take_turn,
                webhook=work.webhook,
                holder=holder,
                outcomes=outcomes,
                fresh=fresh,
                sending=set(),
                most=10,
            )
        )

    assert await turn("another", []) is None, "this process has delivered a moment ago"
    world.clock.advance(LEASE + 1)
    await world.call("POST", f"/v1/webhooks/{made['id']}/deliveries/{event}/replay")
    taken = await turn("another", [])
    assert taken is not None
    assert [parcel.event.id for parcel in taken.parcels] == [event]
    late = Outcome(event, 0, world.clock.now(), 1, 500)
    assert await turn("a third", [late]) is None
    assert (await delivery(world, made, event))["status"] == 200, "who has no lease writes nothing"
    await turn("another", [Outcome(event, 0, world.clock.now(), 1, 204)])
    assert (await delivery(world, made, event, state="delivered"))["status"] == 204


async def test_a_new_key_encryption_key_takes_the_signing_keys_over(world: World, receiver: HookReceiver) -> None:
    set_clock(world)
    made = await make(world, receiver.url())
    ring = world.db.keys.with_kek()
    newest = list(ring.keks)[-1]
    world.db.keys = ring.using(newest)
    assert [await world.db.write(webhooks.reseal_keys) for _ in range(2)] == [1, 0]
    world.db.keys = world.db.keys.only([newest])
    await tell(world)
    await until(world, lambda: receiver.heard)
    assert verified(made["secret"], receiver.heard[0])["type"] == "space:updated"
