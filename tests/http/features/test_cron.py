"""Ticks of the clock: who is told of them, once each, whatever stops in between; and the jobs of scheduled actions."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from sheetport.features.cron import service as cron
from sheetport.features.cron.model import Cadence, newest_tick
from sheetport.kernel.clock import DAY, HOUR, MINUTE
from sheetport.runtime.cron import Cron
from sheetport.storage.tables.cron import cron_ticks
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import START, World


@pytest.fixture
async def ticking(world: World) -> World:
    """A world whose first round has begun, at eight in the morning of a Friday."""
    await world.app.cron.run()
    return world


async def follow(world: World, environment_id: str) -> None:
    await world.db.write(partial(cron.note_followed, environment_ids=[environment_id]))


async def told(world: World) -> Counter[tuple[str, str]]:
    """How often each environment was told each topic of the clock."""
    return Counter(
        (event["environment_id"], event["topic"]) for event in await world.events() if event["domain"] == "cron"
    )


async def after(world: World, milliseconds: int) -> Counter[tuple[str, str]]:
    """What was told in the first run when so much time has passed."""
    before = await told(world)
    world.clock.advance(milliseconds)
    await world.app.cron.run()
    return await told(world) - before


@pytest.mark.parametrize(
    ("now", "cadence", "due"),
    [
        (START + 7 * MINUTE, Cadence.FIVE_MINUTES, START + 5 * MINUTE),
        (START + 59 * MINUTE, Cadence.HOURLY, START),
        (START, Cadence.DAILY, START - 8 * HOUR),
        (START, Cadence.WEEKLY, START - 8 * HOUR - 4 * DAY),
        (START - 8 * HOUR + 3 * DAY, Cadence.WEEKLY, START - 8 * HOUR + 3 * DAY),
        (START - 8 * HOUR + 3 * DAY - 1, Cadence.WEEKLY, START - 8 * HOUR - 4 * DAY),
    ],
)
def test_ticks_are_multiples_of_five_minutes_hours_days_and_weeks_from_monday(
    now: int, cadence: Cadence, due: int
) -> None:
    assert newest_tick(cadence, now).due_at == due


async def test_whoever_follows_the_environment_hears_its_ticks_at_once(ticking: World) -> None:
    token = (await ticking.call("GET", f"/v1/subscription?scope={ticking.dev}")).data["token"]
    path = f"/v2/subscribe/sub-c-sheetport/environment.{ticking.dev}/0"

    async def poll(**time: str) -> Any:
        async with asyncio.timeout(10):
            return (await ticking.client.get(path, params={"auth": token, "uuid": "us_acc_x", **time})).json()

    async def hear(at: str) -> dict[str, Any]:
        while True:
            reply = await poll(tt=at, tr="1")
            at, events = reply["t"]["t"], [message["d"] for message in reply["m"]]
            if any(event["domain"] == "cron" for event in events):
                return dict(events[-1])

    waiting = asyncio.create_task(hear((await poll())["t"]["t"]))
    while ticking.app.hub.followed() != [ticking.dev]:
        await asyncio.sleep(0.001)
    assert await after(ticking, 4 * MINUTE) == Counter()
    assert await after(ticking, MINUTE) == {(ticking.dev, "cron:5-minutes"): 1}
    event = await waiting
    assert (event["topic"], event["domain"], event["payload"]) == ("cron:5-minutes", "cron", {})
    assert event["context"] == {"accountId": ticking.account_id, "environmentId": ticking.dev, "actorId": "system"}
    # It stays in the audience for a day after it was seen last, so that it finds what happened while it was away.
    assert await after(ticking, 23 * HOUR) == {
        (ticking.dev, f"cron:{topic}"): 1 for topic in ("5-minutes", "hourly", "daily")
    }
    assert await after(ticking, HOUR + MINUTE) == Counter()


async def test_only_live_environments_with_an_audience_are_told(ticking: World) -> None:
    space = (await ticking.call("POST", "/v1/spaces", {"name": "Space"})).data
    async with asyncio.timeout(10):
        reply = await ticking.call("GET", "/v1/events/stream", params={"spaceId": space["id"]})
    assert reply.status == 200
    await follow(ticking, ticking.prod)
    await follow(ticking, ticking.other_env)
    assert await after(ticking, HOUR) == {
        (environment, topic): 1
        for environment in (ticking.prod, ticking.other_env)
        for topic in ("cron:5-minutes", "cron:hourly")
    }
    assert (await ticking.call("DELETE", f"/v1/environments/{ticking.prod}", token=ticking.pat)).status == 200
    assert await after(ticking, 5 * MINUTE) == {(ticking.other_env, "cron:5-minutes"): 1}
    audits = [audit["action"] for audit in await ticking.audits() if audit["action"].startswith("cron")]
    assert audits == []  # nobody did anything: ticks are in the log of events only


async def test_others_may_say_who_hears_of_which_topic(ticking: World) -> None:
    async def has_an_agent(_: UnitOfWork, tick: Any) -> list[str]:
        return [ticking.dev] if tick.cadence is Cadence.HOURLY else []

    ticking.clock.advance(HOUR)
    await Cron(ticking.db, list, [has_an_agent]).run()
    assert await told(ticking) == {(ticking.dev, "cron:hourly"): 1}


async def test_of_missed_ticks_the_newest_of_each_topic_is_made_up_for(ticking: World) -> None:
    """The server was down from Friday morning to a Monday, while its listener was, too, for less than a day."""
    ticking.clock.advance(2 * DAY + 20 * HOUR)
    await follow(ticking, ticking.dev)
    assert await after(ticking, 4 * HOUR) == {(ticking.dev, cadence.value): 1 for cadence in Cadence}
    assert await after(ticking, MINUTE) == Counter()


async def test_a_tick_is_told_once_by_several_processes_and_after_a_crash(ticking: World) -> None:
    for environment in (ticking.dev, ticking.prod):
        await follow(ticking, environment)
    ticking.clock.advance(HOUR)
    tick = newest_tick(Cadence.HOURLY, ticking.clock.now())
    assert await ticking.db.write(partial(cron.tell_tick, tick=tick, environment_ids=[ticking.dev]))
    assert await told(ticking) == {(ticking.dev, "cron:hourly"): 1}  # there a process died, in the midst of the round
    processes = [Cron(ticking.db, list) for _ in range(4)]
    for _ in range(2):
        await asyncio.gather(*(process.run() for process in processes))
    everyone = {(e, f"cron:{t}"): 1 for e in (ticking.dev, ticking.prod) for t in ("5-minutes", "hourly")}
    assert await told(ticking) == everyone
    # One that slept through all this finds the round over, even for somebody who was not told.
    assert not await ticking.db.write(partial(cron.tell_tick, tick=tick, environment_ids=[ticking.other_env]))
    assert await ticking.db.write(partial(cron.start_scheduled, tick=tick)) is None
    assert await told(ticking) == everyone


async def test_what_was_told_does_not_pile_up(ticking: World) -> None:
    await follow(ticking, ticking.dev)
    for _ in range(3):
        await after(ticking, 5 * MINUTE)
    query = select(func.count().label("total")).select_from(cron_ticks)
    (row,) = await ticking.db.read(lambda uow: uow.fetch_all(query))
    assert row["total"] == 1


HOURLY = {"operation": "sync", "label": "Sync", "schedule": "hourly"}


async def post(world: World, path: str, body: Any) -> Any:
    reply = await world.call("POST", path, body)
    assert reply.status == 200, reply.body
    return reply.data


async def jobs(world: World, space: str) -> list[tuple[str, str, str, str]]:
    listed = (await world.call("GET", "/v1/jobs", params={"spaceId": space, "sortDirection": "asc"})).data
    return sorted((job["type"], job["operation"], job["status"], job["mode"]) for job in listed)


async def test_a_scheduled_action_becomes_a_job_at_each_tick(ticking: World) -> None:
    daily = {"slug": "report", "label": "Report", "schedule": "daily", "mode": "foreground"}
    space = (await post(ticking, "/v1/spaces", {"name": "Space", "actions": [daily]}))["id"]
    sheet = {"name": "People", "fields": [{"key": "name", "type": "string"}], "actions": [HOURLY]}
    nameless = {"label": "No operation", "schedule": "hourly"}
    book = await post(
        ticking, "/v1/workbooks", {"name": "Book", "spaceId": space, "sheets": [sheet], "actions": [nameless]}
    )
    assert await after(ticking, 59 * MINUTE) == Counter()
    assert await jobs(ticking, space) == []
    await after(ticking, MINUTE)
    assert await jobs(ticking, space) == [("sheet", "sync", "ready", "background")]
    (ready,) = await ticking.events("job:ready")
    context, payload = json.loads(ready["context"]), json.loads(ready["payload"])
    assert (context["sheetId"], context["actorId"]) == (book["sheets"][0]["id"], "system")
    assert (payload["job"], payload["domain"]) == ("sheet:sync", "sheet")
    assert len(await ticking.events("job:created")) == 1
    await asyncio.gather(*(Cron(ticking.db, list).run() for _ in range(3)))
    assert len(await ticking.events("job:created")) == 1
    await after(ticking, 16 * HOUR)  # an hour after midnight: of sixteen hourly jobs one is made
    assert [name for _, name, _, _ in await jobs(ticking, space)] == ["sync", "sync", "report"]


async def test_an_action_without_a_schedule_or_in_a_closed_space_makes_no_job(ticking: World) -> None:
    spaces = [(await post(ticking, "/v1/spaces", {"name": "Space", "actions": [HOURLY]}))["id"] for _ in range(4)]
    kept, archived, deleted, _changed = spaces
    for number, space in enumerate(spaces):
        (action,) = (await ticking.call("GET", "/v1/actions", params={"spaceId": space})).body
        if number == 3:
            change = {"schedule": None, "actions": [{**HOURLY, "schedule": None}]}
            assert (await ticking.call("PATCH", f"/v1/spaces/{space}", {"actions": change["actions"]})).status == 200
        if number == 0:
            reply = await ticking.call("PATCH", f"/v1/actions/{action['id']}", {"schedule": "daily"})
            assert reply.status == 200
    assert (await ticking.call("POST", f"/v1/spaces/{archived}/archive")).status == 200
    assert (await ticking.call("DELETE", f"/v1/spaces/{deleted}")).status == 200
    await after(ticking, HOUR)
    assert await ticking.events("job:created") == []
    late = (await post(ticking, "/v1/spaces", {"name": "Late", "actions": [{**HOURLY, "schedule": "daily"}]}))["id"]
    await after(ticking, 15 * HOUR)
    assert {event["space_id"] for event in await ticking.events("job:created")} == {kept, late}
