"""Receiving over a real connection: nothing lost, nothing twice, an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from servers.listener_stub import ENVIRONMENT, KEY, Stub, listener_stub
from sheetport.listener import Event, Listener, ListenerHTTPError
from sheetport.listener.client import connection
from sheetport.listener.receive import receive
from sheetport.listener.stream import Backoff, SeenIds

QUICK = Backoff(first=0.02, longest=0.1)


def event(number: int, topic: str = "commit:created", **context: str) -> dict[str, Any]:
    return {"id": f"e{number}", "topic": topic, "domain": "workbook", "context": context, "payload": {}}


@pytest.fixture
def stub() -> Iterator[Stub]:
    with listener_stub() as running:
        yield running


class Running:
    """A listener that notes the ids it receives."""

    def __init__(self) -> None:
        self.listener = Listener()
        self.ids: list[str] = []
        self.connected: list[str] = []
        self.stop = asyncio.Event()
        self.listener.on("**")(self.note)

    async def note(self, event: Event) -> None:
        self.ids.append(event.id)

    async def until(self, count: int) -> list[str]:
        async with asyncio.timeout(10):
            while len(self.ids) < count:
                await asyncio.sleep(0.01)
        return self.ids


@asynccontextmanager
async def listening(stub: Stub, scope: str = ENVIRONMENT, grace: float = 5.0) -> AsyncIterator[Running]:
    one = Running()
    where = connection(stub.url, KEY, scope=scope)
    task = asyncio.create_task(
        receive(one.listener.dispatch, where, one.stop, on_connected=one.connected.append, backoff=QUICK, grace=grace)
    )
    async with asyncio.timeout(10):
        while not one.connected:
            await asyncio.sleep(0.01)
    yield one
    one.stop.set()
    await asyncio.wait_for(task, 10)


@pytest.mark.parametrize(
    ("scope", "channel"), [(ENVIRONMENT, f"environment.{ENVIRONMENT}"), ("us_sp_1", "space.us_sp_1")]
)
async def test_events_arrive_and_the_end_is_announced(stub: Stub, scope: str, channel: str) -> None:
    async with listening(stub, scope) as one:
        stub.publish(event(1))
        stub.publish(event(2), event(3))
        assert await one.until(3) == ["e1", "e2", "e3"]
        assert one.connected == [scope]
    assert stub.of("/v1/subscription")[0].query == {"scope": [scope]}
    first, *later = stub.of("/v2/subscribe/")
    assert first.path == f"/v2/subscribe/sub-c-1/{channel}/0"
    assert first.query == {"heartbeat": ["300"], "uuid": ["us_acc_1"], "auth": ["stream-token-1"]}
    assert all(call.query["tr"] == ["1"] and call.query["tt"] for call in later)
    assert "authorization" not in first.headers
    leave = stub.calls[-1]
    assert leave.path == f"/v2/presence/sub-key/sub-c-1/channel/{channel}/leave"


async def test_an_event_that_comes_twice_or_as_text_is_handled_once(stub: Stub) -> None:
    async with listening(stub) as one:
        stub.publish(event(1), event(1), '{"id": "e2", "topic": "a:b"}', "no JSON", 7)
        stub.publish(event(1), event(3))
        assert await one.until(3) == ["e1", "e2", "e3"]
        await asyncio.sleep(0.1)
        assert len(one.ids) == 3


async def test_a_dropped_connection_goes_on_at_the_old_position(stub: Stub) -> None:
    async with listening(stub) as one:
        stub.publish(event(1))
        await one.until(1)
        stub.broken_polls = 3
        stub.broken_answers = 1
        stub.publish(event(2))
        stub.publish(event(3))
        assert await one.until(3) == ["e1", "e2", "e3"]


async def test_events_of_the_time_the_server_was_away_arrive_when_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    with contextlib.ExitStack() as first:
        stub = first.enter_context(listener_stub())
        async with listening(stub) as one:
            stub.publish(event(1))
            await one.until(1)
            stub.broken_polls = 1
            await asyncio.to_thread(first.close)
            stub.publish(event(2))
            await asyncio.sleep(0.2)
            port = int(stub.url.rpartition(":")[2])
            with listener_stub(port, stub):
                assert await one.until(2) == ["e1", "e2"]
                one.stop.set()
                await asyncio.sleep(0.1)
    assert "The event stream is interrupted" in caplog.text
    assert "stream-token" not in caplog.text


async def test_an_expired_subscription_token_is_renewed_without_losing_the_position(stub: Stub) -> None:
    async with listening(stub) as one:
        stub.publish(event(1))
        await one.until(1)
        stub.revoke_token()
        stub.publish(event(2))
        assert await one.until(2) == ["e1", "e2"]
    assert len(stub.of("/v1/subscription")) == 2
    tokens = [call.query["auth"][0] for call in stub.of("/v2/subscribe/")]
    assert tokens[0] == "stream-token-1"
    assert tokens[-1] == "stream-token-2"


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_key_the_server_refuses_ends_the_run_with_its_words(stub: Stub, status: int) -> None:
    stub.refuse = {"/v1/subscription": (status, "This key was revoked.")}
    with pytest.raises(ListenerHTTPError, match=f"answered {status}: This key was revoked."):
        await Listener().run(ENVIRONMENT, api_url=stub.url, token=KEY)


async def test_a_key_revoked_later_ends_the_run_too(stub: Stub) -> None:
    task: asyncio.Task[None] | None = None
    connected = asyncio.Event()
    task = asyncio.create_task(
        Listener().run(ENVIRONMENT, api_url=stub.url, token=KEY, on_connected=lambda _: connected.set())
    )
    await asyncio.wait_for(connected.wait(), 10)
    stub.refuse = {"/v1/subscription": (401, "This key was revoked.")}
    stub.revoke_token()
    with pytest.raises(ListenerHTTPError, match="revoked"):
        await asyncio.wait_for(task, 10)


async def test_the_server_may_be_absent_at_the_start(stub: Stub) -> None:
    stub.refuse = {"/v1/subscription": (503, "Starting.")}

    async def recover() -> None:
        await asyncio.sleep(0.15)
        stub.refuse = {}

    recovering = asyncio.create_task(recover())
    async with listening(stub) as one:
        stub.publish(event(1))
        assert await one.until(1) == ["e1"]
    await recovering


async def test_a_slow_handler_does_not_hold_up_other_events(stub: Stub) -> None:
    async with listening(stub) as one:
        other = asyncio.Event()

        @one.listener.on("job:ready")
        async def waits(event: Event) -> None:
            await other.wait()
            one.ids.append("slow")

        one.listener.on("commit:created")(lambda event: event.run(_set(other)))
        stub.publish(event(1, "job:ready"), event(2))
        assert sorted(await one.until(3)) == ["e1", "e2", "slow"]


async def _set(flag: asyncio.Event) -> None:
    flag.set()


async def test_a_stop_lets_the_running_handler_finish(stub: Stub) -> None:
    async with listening(stub) as one:

        @one.listener.on("job:ready")
        async def slow(event: Event) -> None:
            one.stop.set()
            await asyncio.sleep(0.3)
            await event.job.complete("Done")

        stub.publish(event(1, "job:ready", jobId="us_jb_1"))
        await one.until(1)
    assert stub.job_calls() == [("us_jb_1/complete", {"outcome": {"message": "Done"}})]


@pytest.mark.parametrize("plain", [True, False])
async def test_a_handler_that_outlasts_the_stop_leaves_no_job_hanging(stub: Stub, plain: bool) -> None:
    async with listening(stub, grace=0.1) as one:
        never = asyncio.Event()

        async def wait(event: Event) -> None:
            await never.wait()

        one.listener.on("job:ready")((lambda event: event.run(wait(event))) if plain else wait)
        stub.publish(event(1, "job:ready", jobId="us_jb_1"))
        await one.until(1)
    never.set()
    [(step, body)] = stub.job_calls()
    assert step == "us_jb_1/fail"
    assert body["info"] == "The listener was stopped before it had finished this job."


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_in_order(stub: Stub, number: signal.Signals) -> None:
    def interrupt(_: str) -> None:
        os.kill(os.getpid(), number)

    listener = Listener()
    await asyncio.wait_for(listener.run(ENVIRONMENT, api_url=stub.url, token=KEY, on_connected=interrupt), 10)
    # The poll given up for the stop has a connection of its own, whose thread may note it after the leave.
    assert any("/leave" in call.path for call in stub.calls[-2:])


async def test_the_variables_of_the_environment_are_enough(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGENT_INTERNAL_URL", raising=False)
    monkeypatch.delenv("FLATFILE_BEARER_TOKEN", raising=False)
    monkeypatch.setenv("FLATFILE_API_URL", f"{stub.url}/api/v1/")
    monkeypatch.setenv("FLATFILE_API_KEY", KEY)
    monkeypatch.setenv("FLATFILE_ENVIRONMENT_ID", ENVIRONMENT)
    listener = Listener()
    await asyncio.wait_for(listener.run(on_connected=lambda _: listener.stop()), 10)
    assert [call.path.split("/v")[0] for call in stub.calls] == ["/api", "", ""]


async def test_no_log_line_holds_a_token(stub: Stub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with listening(stub) as one:
        stub.publish(event(1))
        await one.until(1)
        stub.revoke_token()
        stub.publish(event(2))
        await one.until(2)
    assert "stream-token" not in caplog.text
    assert KEY not in caplog.text


def test_only_so_many_ids_are_remembered() -> None:
    seen = SeenIds(limit=2)
    assert [seen.add(one) for one in ("a", "a", "b", "c", "c", "a")] == [True, False, True, True, False, True]


def test_the_waits_between_attempts_double_up_to_a_limit() -> None:
    waits = [Backoff(first=1, longest=8).wait(attempt) for attempt in (1, 2, 3, 4, 5, 1000)]
    for wait, full in zip(waits, [1, 2, 4, 8, 8, 8], strict=True):
        assert 0.75 * full <= wait <= full
