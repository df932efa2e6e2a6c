"""Jobs that wait for others, that are split into parts, and that nobody takes care of."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import insert

from job_calls import BOOK, OTHER_SPACE, SPACE, WAYS, do, make, parts_of, put_places, status_of, told, told_last
from sheetport.features.jobs import store
from sheetport.features.jobs.jobs import fail_overdue
from sheetport.kernel.clock import MINUTE
from sheetport.storage.tables.events import listeners
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import START, World


@pytest.fixture
async def placed(world: World) -> World:
    return await put_places(world)


# Predecessors and parts


async def test_a_job_waits_until_all_its_predecessors_are_complete(placed: World) -> None:
    first, second = await make(placed, trigger="immediate"), await make(placed, trigger="immediate")
    job = await make(placed, predecessorIds=[first["id"], second["id"]])
    await do(placed, job, "execute")
    assert await status_of(placed, job) == "waiting"
    await do(placed, first, "complete")
    assert await status_of(placed, job) == "waiting"
    await do(placed, second, "complete")
    assert (await status_of(placed, job), await told(placed, job)) == (
        "ready",
        ["job:created", "job:updated", "job:ready"],
    )


@pytest.mark.parametrize(("action", "word"), [("fail", "failed"), ("cancel", "was canceled"), ("delete", "not exist")])
async def test_a_whole_chain_fails_with_its_first_job_and_says_why(placed: World, action: str, word: str) -> None:
    chain = [await make(placed, trigger="immediate")]
    for _ in range(3):
        chain.append(await make(placed, trigger="immediate", predecessorIds=[chain[-1]["id"]]))
    if action == "delete":
        await placed.call("DELETE", f"/v1/jobs/{chain[0]['id']}")
    else:
        await do(placed, chain[0], action)
    for number, (former, job) in enumerate(pairwise(chain)):
        found = (await placed.call("GET", f"/v1/jobs/{job['id']}")).data
        assert (found["status"], (await told(placed, job))[-1]) == ("failed", "job:failed")
        assert former["id"] in found["info"]
        assert (word if number == 0 else "failed") in found["outcome"]["message"]
    if action == "fail":
        reply = await placed.call(
            "POST",
            "/v1/jobs",
            {
                "type": "workbook",
                "operation": "x",
                "source": BOOK,
                "trigger": "immediate",
                "predecessorIds": [chain[1]["id"]],
            },
        )
        assert (reply.status, reply.error["key"]) == (400, "predecessorIds")


async def test_predecessors_that_end_at_the_same_time_release_the_job_once(placed: World) -> None:
    for _ in range(10):
        firsts = [await make(placed, trigger="immediate") for _ in range(6)]
        job = await make(placed, trigger="immediate", predecessorIds=[first["id"] for first in firsts])
        replies = await asyncio.gather(*(do(placed, first, "complete") for first in firsts))
        assert [reply.status for reply in replies] == [200] * 6
        assert (await told(placed, job)).count("job:ready") == 1


async def test_of_many_who_end_a_job_at_the_same_time_one_does(placed: World) -> None:
    for _ in range(5):
        job = await make(placed, trigger="immediate")
        ends = ["complete", "fail", "cancel"] * 5
        replies = await asyncio.gather(*(do(placed, job, end) for end in ends))
        assert sorted(reply.status for reply in replies) == [200] + [400] * 14
        assert len(await told(placed, job)) == 3


async def test_many_parts_that_end_at_the_same_time_are_told_of_once(placed: World) -> None:
    for rounds in range(1, 6):
        job = await make(placed, trigger="immediate")
        await do(placed, job, "split", {"parts": 10, "runInParallel": True})
        parts = await parts_of(placed, job)
        await asyncio.gather(*(do(placed, part, "complete") for part in parts))
        _, context, payload = await told_last(placed, "job:parts-completed")
        assert (context["jobId"], payload["parts"]["completed"]) == (job["id"], 10)
        assert len(await placed.events("job:parts-completed")) == rounds


async def test_parallel_parts_are_ready_at_once_and_their_end_is_told_once(placed: World) -> None:
    job = await make(placed, trigger="immediate", input={"a": 1})
    reply = await do(placed, job, "split", {"parts": [{"n": 1}, {"n": 2}, {"n": 3}], "runInParallel": True})
    assert (reply.data["id"], reply.data["status"]) == (job["id"], "executing")
    parts = await parts_of(placed, job)
    assert [(p["part"], p["partData"], p["status"], p["input"]) for p in parts] == [
        (n, {"n": n}, "ready", {"a": 1}) for n in (1, 2, 3)
    ]
    assert {(p["parentId"], p["operation"], p["partExecution"]) for p in parts} == {(job["id"], "submit", "parallel")}
    _, _, payload = await told_last(placed, "job:ready")
    assert payload["isPart"] is True
    replies = await asyncio.gather(
        *(do(placed, part, end) for part, end in zip(parts, ("complete", "fail", "cancel"), strict=True))
    )
    assert [reply.status for reply in replies] == [200] * 3
    (event,) = await placed.events("job:parts-completed")
    assert json.loads(event["context"])["jobId"] == job["id"]
    payload = json.loads(event["payload"])
    assert payload["parts"] == {"total": 3, "completed": 1, "failed": 1, "canceled": 1}
    assert (payload["job"], payload["isPart"]) == ("workbook:submit", False)
    assert (await do(placed, job, "complete")).data["status"] == "complete"


async def test_sequential_parts_run_one_after_the_other(placed: World) -> None:
    job = await make(placed, trigger="immediate")
    await do(placed, job, "split", {"parts": 3})
    for number, end in enumerate(("complete", "fail", "complete")):
        parts = await parts_of(placed, job)
        assert [part["status"] for part in parts[number:]] == ["ready"] + ["waiting"] * (2 - number)
        assert await placed.events("job:parts-completed") == []
        await do(placed, parts[number], end)
    _, _, payload = await told_last(placed, "job:parts-completed")
    assert payload["parts"] == {"total": 3, "completed": 2, "failed": 1, "canceled": 0}


async def test_parts_stay_in_turn_when_one_that_waited_is_canceled(placed: World) -> None:
    job = await make(placed, trigger="immediate")
    await do(placed, job, "split", {"parts": 3})
    first, second, third = await parts_of(placed, job)
    await do(placed, second, "cancel")
    assert [await status_of(placed, part) for part in (first, second, third)] == ["ready", "canceled", "waiting"]
    await do(placed, first, "complete")
    assert await status_of(placed, third) == "ready"


async def test_parts_of_parts_are_deleted_with_the_whole_and_what_waits_for_one_fails(placed: World) -> None:
    job = await make(placed, trigger="immediate")
    await do(placed, job, "split")
    (part,) = await parts_of(placed, job)
    await do(placed, part, "split")
    (inner,) = await parts_of(placed, part)
    waiting = await make(placed, trigger="immediate", predecessorIds=[inner["id"]])
    assert (await placed.call("DELETE", f"/v1/jobs/{job['id']}")).status == 200
    gone = [(await placed.call("GET", f"/v1/jobs/{each['id']}")).status for each in (job, part, inner)]
    assert (gone, await status_of(placed, waiting)) == ([404, 404, 404], "failed")


async def test_the_parts_of_a_canceled_job_are_canceled_without_starting(placed: World) -> None:
    job = await make(placed, trigger="immediate")
    await do(placed, job, "split", {"parts": 3})
    again = await do(placed, job, "split", {"parts": 2})
    assert (again.status, again.error["key"]) == (400, "parts")
    ready = len(await placed.events("job:ready"))
    await do(placed, job, "cancel")
    assert [part["status"] for part in await parts_of(placed, job)] == ["canceled"] * 3
    assert len(await placed.events("job:ready")) == ready
    assert await placed.events("job:parts-completed") == []


@pytest.mark.parametrize("parts", [-(2**63) - 1, 0, -1, [], 1_001, 10**18])
async def test_a_split_has_from_1_to_1000_parts(placed: World, parts: Any) -> None:
    job = await make(placed, trigger="immediate")
    reply = await do(placed, job, "split", {"parts": parts})
    assert (reply.status, reply.error["key"]) == (400, "parts")


# Nobody takes care


async def connect(world: World, name: str, scope: str) -> None:
    row = {"environment_id": world.dev, "id": f"l-{name}", "scope": scope, "name": name, "process": "p"}
    await world.db.write(lambda uow: uow.execute(insert(listeners).values(**row, connected_at=START)))


@pytest.mark.parametrize(
    ("config", "actions", "says"),
    [
        ({"trigger": "immediate"}, [], "job:ready was told, but not acknowledged for 5 minutes"),
        ({"trigger": "immediate"}, ["ack"], "executing and not acknowledged for 5 minutes"),
        ({"status": "ready"}, [], "nothing executed it for 5 minutes"),
        ({"status": "executing"}, [], "executing and not acknowledged for 5 minutes"),
    ],
)
async def test_a_job_without_a_sign_of_life_fails_after_five_minutes(
    placed: World, config: dict[str, Any], actions: list[str], says: str
) -> None:
    job = await make(placed, **config)
    for action in actions:
        await do(placed, job, action)
    placed.clock.advance(5 * MINUTE - 1)
    assert await placed.db.write(fail_overdue) == 0
    placed.clock.advance(1)
    assert await placed.db.write(fail_overdue) == 1
    assert await placed.db.write(fail_overdue) == 0
    found = (await placed.call("GET", f"/v1/jobs/{job['id']}")).data
    assert (found["status"], (await told(placed, job))[-1]) == ("failed", "job:failed")
    assert says in found["info"]
    assert "No listener was connected" in found["outcome"]["message"]


async def test_each_acknowledgement_and_update_gives_five_more_minutes(placed: World) -> None:
    job = await make(placed, trigger="immediate")
    for action in ("ack", "ack", "update"):
        placed.clock.advance(5 * MINUTE - 1)
        assert (await do(placed, job, action)).status == 200
        assert await placed.db.write(fail_overdue) == 0
    placed.clock.advance(5 * MINUTE)
    assert await placed.db.write(fail_overdue) == 1


async def test_the_failure_names_who_was_connected_to_the_environment_or_the_space(placed: World) -> None:
    await connect(placed, "listener.py", placed.dev)
    await connect(placed, "in-space", SPACE)
    await connect(placed, "elsewhere", OTHER_SPACE)
    job = await make(placed, trigger="immediate")
    placed.clock.advance(5 * MINUTE)
    await placed.db.write(fail_overdue)
    info = (await placed.call("GET", f"/v1/jobs/{job['id']}")).data["info"]
    assert "listener.py" in info
    assert "in-space" in info
    assert "elsewhere" not in info
    assert "'workbook:submit'" in info


async def test_jobs_that_nobody_has_to_take_care_of_stay(placed: World) -> None:
    split = await make(placed, trigger="immediate")
    await do(placed, split, "split", {"parts": 1})
    (part,) = await parts_of(placed, split)
    states = {}
    for state, (config, actions) in WAYS.items():
        if state not in {"ready", "announced", "executing", "waiting"}:
            job = await make(placed, **config)
            for action in actions:
                await do(placed, job, action)
            states[job["id"]] = state
    placed.clock.advance(5 * MINUTE - 1)
    await do(placed, part, "ack")
    waiting = await make(placed, trigger="immediate", predecessorIds=[split["id"]])
    placed.clock.advance(5 * MINUTE - 1)
    assert await placed.db.write(fail_overdue) == 0
    assert await status_of(placed, split) == "executing"
    assert await status_of(placed, waiting) == "waiting"
    for job_id, state in states.items():
        assert await status_of(placed, {"id": job_id}) == state


async def test_an_overdue_part_fails_and_its_parent_hears_of_it(placed: World) -> None:
    job = await make(placed, trigger="immediate")
    await do(placed, job, "split", {"parts": 2, "runInParallel": True})
    placed.clock.advance(5 * MINUTE)
    assert await placed.db.write(fail_overdue) == 2
    _, _, payload = await told_last(placed, "job:parts-completed")
    assert payload["parts"]["failed"] == 2
    placed.clock.advance(5 * MINUTE)
    assert await placed.db.write(fail_overdue) == 1
    assert await status_of(placed, job) == "failed"


async def test_several_processes_fail_each_job_once(placed: World) -> None:
    jobs = [await make(placed, trigger="immediate") for _ in range(8)]
    placed.clock.advance(5 * MINUTE)
    counts = await asyncio.gather(*(placed.db.write(fail_overdue) for _ in range(4)))
    assert sum(counts) == 8
    assert len(await placed.events("job:failed")) == len(jobs)


@pytest.mark.parametrize("data_place", ["postgresql"], indirect=True)
async def test_no_process_waits_for_one_that_is_failing_the_same_jobs(placed: World) -> None:
    await make(placed, trigger="immediate")
    placed.clock.advance(5 * MINUTE)
    held, done = asyncio.Event(), asyncio.Event()

    async def hold(uow: UnitOfWork) -> None:
        assert len(await store.lock_overdue(uow, 100)) == 1
        held.set()
        await done.wait()

    holding = asyncio.create_task(placed.db.write(hold))
    await held.wait()
    assert await asyncio.wait_for(placed.db.write(fail_overdue), 5) == 0
    done.set()
    await holding
    assert await placed.db.write(fail_overdue) == 1
