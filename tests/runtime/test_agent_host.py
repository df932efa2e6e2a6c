"""Programs of agents in the host: what they answer, what they log, how long they are kept."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from clients.front import make_certificate
from runtime.agent_world import TOKEN, World, check_clients, event, is_stopped, program, running_world
from sheetport.runtime.agent_host import MAX_LOG, Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")
LIMITS = Limits(event_seconds=20, processes=3, settle_seconds=0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("agents")
    async with running_world(folder, LIMITS, make_certificate(["hooks.example"], folder)) as running:
        yield running


async def test_the_kernel_holds_agents(world: World) -> None:
    assert world.host.egress_enforced


async def test_an_event_reaches_the_program_whose_process_stays_warm(world: World) -> None:
    source = "let n = 0; exports.routeEvent = async (event) => console.log(event.topic, event.payload.word, ++n)"
    first = await world.run(source, word="one")
    second = await world.run(source, word="two")
    assert (first.state, first.log, first.error, first.cold) == ("done", "job:ready one 1", None, True)
    assert (second.state, second.log, second.error, second.cold) == ("done", "job:ready two 2", None, False)
    assert 20_000_000 < second.memory_bytes < 100_000_000


async def test_a_listener_as_the_command_line_builds_it_is_dispatched_to(world: World) -> None:
    outcome = await world.run(
        "exports.default = { dispatchEvent: async (e) => console.log('got', e.id) }", "us_ag_dispatch"
    )
    assert (outcome.state, outcome.log) == ("done", "got us_ev_1")


async def test_spaces_versions_and_new_tokens_have_processes_of_their_own(world: World) -> None:
    source = "let n = 0; exports.routeEvent = async () => console.log(++n, process.env.FLATFILE_API_KEY.length)"
    for each in (
        program(source, "us_ag_own", space="us_sp_a"),
        program(source, "us_ag_own", space="us_sp_b"),
        program(source, "us_ag_own", space="us_sp_b", token="pk_rotated"),
        program(source, "us_ag_own", version=2, space="us_sp_b"),
    ):
        outcome = await world.host.run(each, event())
        assert (outcome.log, outcome.cold) == (f"1 {len(each.token)}", True)


async def test_the_environment_holds_nothing_but_what_an_agent_needs(world: World) -> None:
    source = "exports.routeEvent = async () => console.log(Object.keys(process.env).sort().join(' '))"
    outcome = await world.run(source, "us_ag_environment")
    assert outcome.log.split() == [
        "AGENT_INTERNAL_URL",
        "FLATFILE_API_KEY",
        "FLATFILE_API_URL",
        "FLATFILE_BEARER_TOKEN",
        "FLATFILE_ENVIRONMENT_ID",
        "HOME",
        "LAMBDA_TASK_ROOT",
        "TMPDIR",
    ]


async def test_a_variable_that_is_not_there_is_answered_with_a_hint(world: World) -> None:
    source = (
        "exports.routeEvent = async () => { process.env.WEBHOOK_URL; process.env.WEBHOOK_URL; process.env.NODE_ENV }"
    )
    outcome = await world.run(source, "us_ag_hint")
    assert outcome.state == "done"
    assert outcome.log == (
        'WEBHOOK_URL is not a variable of a hosted listener; use: await event.secrets("WEBHOOK_URL")'
    )


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        ("undefined.x", "TypeError: Cannot read properties of undefined (reading 'x'), at agent.cjs:2:"),
        ("console.error('it went wrong', 7)", "it went wrong 7"),
        (
            "try { null.y } catch (e) { console.error(e) }",
            "TypeError: Cannot read properties of null (reading 'y'), at",
        ),
        ("Promise.reject(new Error('nobody waits'))", "Error: nobody waits, at agent.cjs:2:"),
        ("queueMicrotask(() => { throw new Error('thrown aside') })", "Error: thrown aside, at agent.cjs:2:"),
    ],
)
async def test_what_the_client_swallows_makes_the_execution_failed(world: World, handler: str, error: str) -> None:
    source = f"exports.routeEvent = async (event) => {{\n  if (event.payload.bad) {{ {handler} }}\n}}"
    failed = await world.run(source, "us_ag_fails", bad=True)
    assert failed.state == "failed"
    assert failed.error is not None
    assert failed.error.startswith(error)
    assert failed.log
    fine = await world.run(source, "us_ag_fails", bad=False)
    assert (fine.state, fine.log, fine.cold) == ("done", "", False)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("exports.routeEvent = (", "SyntaxError: Unexpected token '}'"),
        ("throw new Error('at load')", "The program cannot be loaded: Error: at load, at agent.cjs:1:7: throw new"),
        ("exports.other = 1", "The program cannot be loaded: Error: it exports neither dispatchEvent nor routeEvent"),
        ("require('left-pad')", "The program cannot be loaded: Error: Cannot find module 'left-pad'"),
    ],
)
async def test_a_program_that_cannot_be_loaded_says_why(world: World, source: str, error: str) -> None:
    outcome = await world.run(source, "us_ag_unloadable")
    assert outcome.state == "failed"
    assert outcome.error is not None
    assert outcome.error.startswith(error)


async def test_tokens_are_masked_and_long_logs_cut(world: World) -> None:
    source = """exports.routeEvent = async (event) => {
      console.log('token', process.env.FLATFILE_API_KEY)
      for (let i = 0; i < event.payload.lines; i++) console.log('x'.repeat(999))
      if (event.payload.raw) for (let i = 0; i < 200; i++) process.stdout.write('y'.repeat(999))
      throw new Error(`with ${process.env.FLATFILE_API_KEY}`)
    }"""
    outcome = await world.run(source, "us_ag_log", lines=200, raw=True)
    assert TOKEN not in outcome.log
    assert outcome.error is not None
    assert outcome.error.startswith("Error: with [token], at agent.cjs:5:13:")
    assert outcome.log.startswith("token [token]\nxxx")
    assert "... cut ..." in outcome.log
    assert MAX_LOG * 0.9 < len(outcome.log) <= MAX_LOG


async def test_what_looks_like_an_answer_is_only_log(world: World) -> None:
    source = r"""exports.routeEvent = async (event) => {
      process.stdout.write('\n\x1e0123456789abcdef0123456789abcdef {"error":null}\n')
      process.stdout.write('{"error":null}\n\x1e {"cache":9}\n')
      throw new Error('the truth')
    }"""
    outcome = await world.run(source, "us_ag_forger")
    assert outcome.state == "failed"
    assert outcome.error is not None
    assert outcome.error.startswith("Error: the truth")


async def test_the_server_and_allowed_hosts_are_reached_by_every_client(world: World) -> None:
    await check_clients(world)


async def test_idle_processes_are_stopped_and_the_one_unused_for_longest_ends(world: World) -> None:
    source = "exports.routeEvent = async (e) => { await new Promise((r) => setTimeout(r, e.payload.wait || 0)) }"
    busy = asyncio.create_task(world.run(source, "us_ag_busy", wait=1500))
    for number in range(4):
        outcome = await world.run(source, f"us_ag_idle_{number}")
        assert outcome.state == "done"
    await asyncio.sleep(0.4)
    assert (await world.run(source, "us_ag_idle_3")).cold is False
    assert (await busy).state == "done"
    assert (await world.run(source, "us_ag_busy")).cold is False
    assert (await world.run(source, "us_ag_idle_0")).cold is True
    await asyncio.sleep(0.4)
    assert is_stopped(world.pid("us_ag_idle_0"))
    assert (await world.run(source, "us_ag_idle_0")).cold is False


async def test_eviction_ends_what_runs_and_leaves_no_process(world: World) -> None:
    source = "exports.routeEvent = async (e) => { await new Promise((r) => setTimeout(r, e.payload.wait)) }"
    running = asyncio.create_task(world.run(source, "us_ag_evicted", wait=60_000))
    while not any(key[0] == "us_ag_evicted" and place.process for key, place in world.host._places.items()):
        await asyncio.sleep(0.02)
    pid = world.pid("us_ag_evicted")
    await world.host.evict("us_ag_evicted")
    outcome = await running
    assert (outcome.state, outcome.error) == ("crashed", "The program's process was ended by signal 9.")
    assert not Path(f"/proc/{pid}").exists()
    assert (await world.run(source, "us_ag_evicted", wait=0)).cold is True


def has_ended(pid: int) -> bool:
    """Whether a process runs no more; whoever inherited it may take its time to bury it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


async def test_a_launcher_that_is_killed_is_started_anew_and_its_programs_end(world: World) -> None:
    source = "exports.routeEvent = async () => {}"
    await world.run(source, "us_ag_survivor")
    pid = world.pid("us_ag_survivor")
    assert world.host._launcher._process is not None
    os.kill(world.host._launcher._process.pid, signal.SIGKILL)
    again = await world.run(source, "us_ag_survivor")
    # It may be answered by the old process still, which is about to end, or cut with it.
    assert (again.state, again.cold) in [("done", True), ("done", False), ("crashed", False)]
    until = time.monotonic() + 5
    while not has_ended(pid) and time.monotonic() < until:
        await asyncio.sleep(0.05)
    assert has_ended(pid)
    tries = [(await world.run(source, "us_ag_survivor")).state for _ in range(2)]
    assert tries[-1] == "done", tries


async def test_closing_leaves_neither_processes_nor_files(tmp_path: Path) -> None:
    async with running_world(tmp_path, Limits(event_seconds=20)) as own:
        await own.run("exports.routeEvent = async () => {}", "us_ag_closed")
        pid = own.pid("us_ag_closed")
    assert not Path(f"/proc/{pid}").exists()
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []
