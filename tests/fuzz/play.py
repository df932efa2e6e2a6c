"""Plays state machines, which know no await, against a world whose loop runs beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from worlds import Reply, World

T = TypeVar("T")
_SECONDS = 30.0


class Play:
    """The world, for a machine in a thread of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._loop = asyncio.get_running_loop()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_SECONDS)

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Reply:
        """One request. Never a server error."""
        reply = self.do(self.world.call(method, path, body, token=token))
        assert reply.status < 500, (method, path, body, reply.body)
        return reply

    def ok(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
        """The data of a request that has to succeed."""
        reply = self.call(method, path, body, token=token)
        assert reply.status == 200, (method, path, body, reply.body)
        return reply.body.get("data")


async def play(make: Callable[[Play], RuleBasedStateMachine], world: World, examples: int, steps: int) -> None:
    """``examples`` runs of a machine, the same ones each time, of ``steps`` steps at most."""
    playing = Play(world)
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    await asyncio.to_thread(run_state_machine_as_test, lambda: make(playing), settings=chosen)
