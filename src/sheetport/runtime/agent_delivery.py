"""Tells agents of events: each event at least once, those of a space in their order, a few at a time.

One process runs an agent, for as long as it has leased it. What the agent is to be told is written down before it is
told and struck out once that was recorded, so that nothing is lost when the process ends at any moment: whoever runs
the agent next goes on with what is written, and an event that had been told already is told again, with the same id.
Writes of others never wait for agents: an agent that is slow is behind in the log, and goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import structlog

from sheetport.features.agents.model import Agent
from sheetport.features.agents.service import running
from sheetport.features.auth import service as auth
from sheetport.features.egress import service as egress
from sheetport.features.egress.model import Allowed
from sheetport.kernel.ids import random_text
from sheetport.runtime.agent_host import AgentHost, Limits, Program
from sheetport.runtime.agent_runner import Runner
from sheetport.storage.unit_of_work import Database

#: How often leases are renewed and those of processes that have ended are taken over.
REFRESH_SECONDS = running.LEASE / 3_000
#: Events that all agents of this process handle at once.
SLOTS = 8
EVERYTHING = "*"
_log = structlog.get_logger()


class AgentDelivery:
    """The agents that this process runs.

    ``folder`` is its own, ``server_url`` is where they reach it, and ``longest`` after how many events of a chain an
    agent is paused.
    """

    def __init__(self, db: Database, folder: Path, server_url: str, longest: int) -> None:
        self._db = db
        self._host = AgentHost(folder, server_url, Limits(), permits=self._permits)
        self._longest = longest
        self._process = random_text(16)
        self._slots = asyncio.Semaphore(SLOTS)
        self._runners: dict[str, Runner] = {}
        self._changed = asyncio.Event()
        self._leaving = False
        db.on_events(self._on_events)
        db.on_bump(lambda _: self._changed.set())

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Run agents until the context ends; what they are doing then is told again to whoever runs them next."""
        if not self._db.shared:
            await self._db.write(running.release_all)
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._leaving = True
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            held = [runner.agent for runner in self._runners.values()]
            await asyncio.gather(*(self._stop(agent.id) for agent in held), return_exceptions=True)
            await self._host.close()
            with suppress(Exception):  # the leases end by themselves
                await self._db.write(partial(running.release_agents, agents=held, process=self._process))

    def take_leave(self) -> None:
        """Begin nothing new: another process is about to take over."""
        self._leaving = True
        for runner in self._runners.values():
            runner.take_leave()

    def _on_events(self, environments: frozenset[str]) -> None:
        for runner in self._runners.values():
            if EVERYTHING in environments or runner.agent.environment_id in environments:
                runner.wake()

    async def _run(self) -> None:
        while not self._leaving:
            self._changed.clear()
            try:
                await self._refresh()
            except Exception as error:  # noqa: BLE001 - one failed round must not end the rounds
                _log.warning("agents.round-failed", error=type(error).__name__)
            try:
                await asyncio.wait_for(self._changed.wait(), REFRESH_SECONDS)
            except TimeoutError:
                continue

    async def _refresh(self) -> None:
        """Stop what was changed, paused or deleted, and run what is this process's to run."""
        agents = {each.id: each for each in await self._db.read(running.list_all) if each.paused_at is None}
        for agent_id in [known for known, runner in self._runners.items() if not _same(runner, agents.get(known))]:
            await self._stop(agent_id)
        if not agents:
            return
        wanted = list(agents.values())
        leased = await self._db.write(partial(running.lease_agents, agents=wanted, process=self._process))
        for agent_id in [known for known in self._runners if known not in leased]:
            await self._stop(agent_id)
        for agent_id in leased - self._runners.keys():
            runner = Runner(self._db, self._host, self._process, agents[agent_id], self._slots, self._longest)
            self._runners[agent_id] = runner
            runner.start(self._changed.set)
        for runner in self._runners.values():
            await self._check_token(runner)

    async def _check_token(self, runner: Runner) -> None:
        token_id = runner.token_id
        if token_id is None or await self._db.read(partial(auth.is_live, credential_id=token_id)):
            return
        await self._db.write(partial(running.pause_revoked, agent=runner.agent, token_id=token_id))

    async def _permits(self, program: Program) -> Allowed:
        runner = self._runners.get(program.agent_id)
        if runner is None:
            return Allowed()
        account_id, environment_id = runner.agent.account_id, program.environment_id
        return await self._db.read(lambda uow: egress.find_allowed(uow, account_id, environment_id))

    async def _stop(self, agent_id: str) -> None:
        """End a runner, and cut what the agent is doing."""
        runner = self._runners.pop(agent_id)
        runner.cut()
        await self._host.evict(agent_id)
        await runner.stop()


def _same(runner: Runner, agent: Agent | None) -> bool:
    """Whether a runner runs what there is now."""
    known = runner.agent
    return (
        agent is not None
        and not runner.ended
        and (known.version_id, known.allowed_hosts) == (agent.version_id, agent.allowed_hosts)
    )
