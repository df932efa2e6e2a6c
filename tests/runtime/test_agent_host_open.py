"""Agents where the machine gives no namespaces: they run, their clients work, and they are marked as not enforced."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from clients.front import make_certificate
from runtime.agent_world import World, check_clients, event, program, running_world
from runtime.test_agent_host_escapes import ATTEMPTS, trying
from sheetport.runtime.agent_host import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("open")
    certificate = make_certificate(["hooks.example"], folder)
    async with running_world(folder, Limits(event_seconds=30), certificate, namespaces=False) as running:
        yield running


async def test_it_says_so_and_refuses_python(world: World) -> None:
    assert not world.host.egress_enforced
    assert world.host.python_refused == (
        "This machine gives agents no namespaces of their own, which a jail for Python needs."
    )


async def test_every_client_is_tunnelled(world: World) -> None:
    await check_clients(world)


async def test_what_needs_no_namespace_is_refused_all_the_same(world: World) -> None:
    folder = world.folder / "data"
    folder.mkdir()
    (folder / "secret").write_text("the secret of the data directory")
    at = {
        "secret": str(folder / "secret"),
        "folder": str(folder),
        "written": str(folder / "written"),
        "canary": world.canary_port,
        "address": "127.0.0.1",
        "socket": str(folder / "socket"),
        "datagrams": world.canary_port,
        "library": "libc.so.6",
        "other": str(folder / "secret"),
    }
    hosts = ("hooks.example", "private.example", "loopback.example", "metadata.example")
    outcome = await world.host.run(program(trying(ATTEMPTS), "us_ag_escape", hosts=hosts), event(**at))
    # deno refuses a datagram's socket in a promise that nobody can await, which counts as an error of the program.
    assert outcome.state == "done" or 'net access to "0.0.0.0:0"' in (outcome.error or ""), outcome
    results = json.loads(next(line for line in outcome.log.splitlines() if line.startswith("{")))
    assert results.keys() == ATTEMPTS.keys()
    assert {name: got for name, got in results.items() if not got.startswith("refused: ")} == {}
    assert world.arrived == []
