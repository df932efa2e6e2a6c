"""Programs that use what they should not: each ends within its limit, the log says why, and others go on."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from runtime.agent_world import World, running_world
from sheetport.config import MEBIBYTE
from sheetport.runtime.agent_host import MAX_LOG, Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")
LIMITS = Limits(
    event_seconds=8,
    cpu_seconds=1,
    heap_bytes=48 * MEBIBYTE,
    memory_bytes=192 * MEBIBYTE,
    temporary_bytes=8 * MEBIBYTE,
    threads=32,
)
QUIET = "await new Promise((r) => setTimeout(r, 60_000))"
BREATHE = "await new Promise((r) => setTimeout(r, 1))"
WORKER = "new Worker('data:text/javascript,for(;;){}', { type: 'module' })"
SPAWN = "require('node:child_process').spawnSync('/bin/deno', ['--version'], { stdio: 'inherit' })"

#: What the handler does, how its event ends, and what is said of it.
BOMBS = {
    "an endless loop": ("for (;;) {}", "timeout", r"used more than 1 seconds of processor time"),
    "a promise that never settles": ("await new Promise(() => {})", "failed", r"waits for what can never come"),
    "a promise that settles too late": (QUIET, "timeout", r"not handled within 8 seconds"),
    "a blocked event loop": (
        "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000)",
        "timeout",
        r"not handled within 8 seconds",
    ),
    "a heap that grows": (
        "const kept = []; for (;;) kept.push(new Array(10_000).fill(kept.length))",
        "memory",
        r"more memory than it may have|more than its 192 MiB",
    ),
    "buffers outside the heap": (
        f"const kept = []; for (;;) {{ kept.push(Buffer.alloc(20_000_000, 1)); {BREATHE} }}",
        "memory",
        r"more than its 192 MiB|Array buffer allocation failed",
    ),
    "workers without end": (
        f"for (;;) {{ {WORKER}; {BREATHE} }}",
        "timeout|memory|crashed",
        r"processor time|more than its|was ended by signal|exit code",
    ),
    "processes without end": (
        f"for (;;) if ({SPAWN}.status === null) throw new Error('no process')",
        "failed|timeout",
        r"no process|NotCapable|processor time",
    ),
    "a log without end": ("for (;;) process.stdout.write('x'.repeat(100_000))", "failed", r"wrote more than 16 MiB"),
    "a file without end": (
        "const fs = require('node:fs'); for (let n = 0; ; n++) fs.writeFileSync(`/tmp/${n}`, 'x'.repeat(1_000_000))",
        "failed",
        r"ENOSPC|No space left|os error 28",
    ),
    "one large file": (
        "const fs = require('node:fs'); for (;;) fs.appendFileSync('/tmp/one', 'x'.repeat(1_000_000))",
        "failed|crashed",
        r"ENOSPC|EFBIG|No space left|os error 2[78]|signal 25",
    ),
    "leaving": ("process.exit(3)", "crashed", r"ended its process with exit code 3"),
    "killing itself": ("process.kill(process.pid, 'SIGKILL'); " + QUIET, "failed|crashed|timeout", r"."),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with running_world(tmp_path_factory.mktemp("bombs"), LIMITS) as running:
        yield running


async def test_each_ends_within_its_limit_while_another_agent_goes_on(world: World) -> None:
    good = "let n = 0; exports.routeEvent = async () => console.log(++n)"
    assert (await world.run(good, "us_ag_good")).log == "1"

    async def blown(name: str, code: str) -> tuple[str, object, float]:
        began = time.monotonic()
        source = f"exports.routeEvent = async () => {{ {code} }}"
        return name, await world.run(source, f"us_ag_{name.replace(' ', '_')}"), time.monotonic() - began

    ended = await asyncio.gather(*(blown(name, bomb[0]) for name, bomb in BOMBS.items()))
    for name, outcome, seconds in ended:
        _, state, said = BOMBS[name]
        assert re.fullmatch(state, outcome.state), (name, outcome)
        assert outcome.error is not None, name
        assert re.search(said, outcome.error), (name, outcome)
        assert outcome.log or outcome.state == "failed", (name, outcome)
        assert len(outcome.log) <= MAX_LOG, name
        assert outcome.memory_bytes < LIMITS.memory_bytes * 4, (name, outcome.memory_bytes)
        assert seconds < LIMITS.event_seconds * 2, name
    again = await world.run(good, "us_ag_good")
    assert (again.log, again.cold) == ("2", False)


async def test_after_a_bomb_the_same_program_starts_cleanly(world: World) -> None:
    source = "let n = 0; exports.routeEvent = async (e) => { console.log(++n); if (e.payload.bomb) process.exit(1) }"
    assert (await world.run(source, "us_ag_again", bomb=True)).state == "crashed"
    after = await world.run(source, "us_ag_again", bomb=False)
    assert (after.state, after.log, after.cold) == ("done", "1", True)
