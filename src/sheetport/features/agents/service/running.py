"""For the runtime: who runs an agent, what it is to be told, with which token, and how that went."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sheetport.features.agents import store
from sheetport.features.agents.model import ATTEMPTS, MAX_LOG, PAUSES, Agent, Execution, Waiting
from sheetport.features.agents.service.bundles import unpacked
from sheetport.features.agents.service.pausing import pause_for
from sheetport.features.agents.store import executions, queue
from sheetport.features.auth import service as auth
from sheetport.features.auth.model import CredentialKind, Minted
from sheetport.features.events import service as events
from sheetport.features.events.model import Channel, Event
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import SECOND
from sheetport.kernel.errors import NotFound
from sheetport.kernel.ids import new_id
from sheetport.storage.unit_of_work import UnitOfWork

#: An agent is a process's own for so long; it says so again well before that.
LEASE = 15 * SECOND
#: Events of the log looked at in one go.
LOOK = 200
#: Executions forgotten in one go.
SWEEP = 500


@dataclass(frozen=True, slots=True)
class News:
    """What came behind a position of the log: up to which, whether there is more, and what of it an agent wants."""

    position: int
    more: bool
    wanted: list[Event]


@dataclass(frozen=True, slots=True)
class Ended:
    """How one attempt went, as the host tells. Times are milliseconds, memory is bytes."""

    state: str
    log: str
    error: str | None
    duration: int
    memory: int
    is_cold: bool
    began_at: int

    @property
    def success(self) -> bool:
        return self.state == "done"


async def list_all(uow: UnitOfWork) -> list[Agent]:
    """Every live agent of every environment, paused ones too."""
    return await store.list_all(uow)


async def lease_agents(uow: UnitOfWork, agents: list[Agent], process: str) -> set[str]:
    """Ids of those of the agents that ``process`` runs from now on, or goes on to run."""
    return {each.id for each in agents if await queue.lease(uow, each, process, uow.now + LEASE)}


async def release_agents(uow: UnitOfWork, agents: list[Agent], process: str) -> None:
    """Let other processes run the agents at once."""
    for each in agents:
        await queue.release(uow, each, process)


async def release_all(uow: UnitOfWork) -> None:
    """The same for every agent, when there can be no other process."""
    await queue.release_all(uow)


async def find_position(uow: UnitOfWork, agent: Agent, process: str) -> int | None:
    """How far the log was looked through for an agent; None unless ``process`` runs it."""
    return await queue.find_position(uow, agent, process)


async def list_waiting(uow: UnitOfWork, agent: Agent) -> list[Waiting]:
    """What an agent is still to be told, in the log's order."""
    return await queue.list_waiting(uow, agent)


async def read_news(uow: UnitOfWork, agent: Agent, after: int) -> News:
    """What came behind a position that an agent wants to be told."""
    found = await events.read_channel(uow, Channel(agent.environment_id), after, LOOK)
    position = (found[-1].position or after) if found else after
    return News(position, len(found) == LOOK, [event for event in found if agent.wants(event)])


async def take_news(uow: UnitOfWork, agent: Agent, process: str, news: News, longest: int) -> list[Waiting] | None:
    """Write down what an agent is to be told, unless ``process`` does not run it any more: then None.

    An event at the end of a chain of ``longest`` events, each of which an agent caused by handling the one before, is
    not told; the agent is paused.
    """
    if not await queue.move_feed(uow, agent, process, news.position):
        return None
    told = [each for each in news.wanted if (each.depth or 0) < longest]
    waiting = [Waiting(each.id, each.position or 0, each.space_id, each.depth or 0, 0, uow.now) for each in told]
    await queue.insert_waiting(uow, agent, waiting)
    looping = [each for each in news.wanted if (each.depth or 0) >= longest]
    for event in looping:
        because = f"This is the {event.depth}th event in a row that agents caused by handling the one before."
        ended = Ended("failed", "", because, 0, 0, is_cold=False, began_at=uow.now)
        await executions.insert_execution(uow, _execution(uow, agent, event, ended, 0, is_dead=True))
    if looping:
        await pause_for(
            uow, agent, f"it sets itself off: {looping[0].topic} was told {longest} times in a row by its own doing"
        )
    return waiting


async def find_event(uow: UnitOfWork, agent: Agent, event_id: str) -> Event | None:
    """An event that an agent is to be told; None once the log does not hold it any more."""
    try:
        return await events.get_event(uow, system_actor(agent.account_id, agent.environment_id), event_id)
    except NotFound:
        return None


async def find_source(uow: UnitOfWork, agent: Agent) -> bytes | None:
    """The program of an agent; None when its version has gone."""
    bundle = await store.find_bundle(uow, agent.environment_id, agent.version_id)
    return None if bundle is None else unpacked(bundle.source)


async def mint_token(uow: UnitOfWork, agent: Agent) -> Minted | None:
    """A token for the present version of an agent, which alone is accepted from now on; None for an agent that has
    been changed, paused or deleted meanwhile."""
    locked = await store.lock_agent(uow, agent.environment_id, agent.id)
    if locked is None or locked.version != agent.version or locked.paused_at is not None:
        return None
    actor = system_actor(agent.account_id, agent.environment_id)
    if locked.token_id is not None:
        await auth.revoke_credential(uow, actor, locked.token_id)
    minted = await auth.mint(
        uow,
        actor,
        CredentialKind.AGENT,
        f"agent {agent.slug}, version {agent.version}"[-255:],
        environment_id=agent.environment_id,
        user_id=agent.id,
    )
    await store.update_agent(uow, replace(locked, token_id=minted.credential.id))
    return minted


async def pause_revoked(uow: UnitOfWork, agent: Agent, token_id: str) -> None:
    """Pause an agent whose token somebody has revoked."""
    locked = await store.lock_agent(uow, agent.environment_id, agent.id)
    if locked is not None and locked.token_id == token_id and not await auth.is_live(uow, token_id):
        await pause_for(uow, locked, "its token was revoked")


async def drop_event(uow: UnitOfWork, agent: Agent, event_id: str) -> None:
    """Forget an event that the log does not hold any more."""
    await queue.delete_waiting(uow, agent, event_id)


async def record(uow: UnitOfWork, agent: Agent, waiting: Waiting, event: Event, ended: Ended) -> Waiting | None:
    """Note how an attempt went. The event as it waits for the next one; None when it is done with."""
    attempt = waiting.attempts + 1
    is_dead = not ended.success and attempt >= ATTEMPTS
    await executions.insert_execution(uow, _execution(uow, agent, event, ended, attempt, is_dead=is_dead))
    if ended.success or is_dead:
        await queue.delete_waiting(uow, agent, event.id)
        return None
    due_at = uow.now + PAUSES[waiting.attempts]
    await queue.postpone(uow, agent, event.id, attempt, due_at)
    return replace(waiting, attempts=attempt, due_at=due_at)


async def sweep_executions(uow: UnitOfWork, before: int) -> int:
    """Forget some of the executions that began before a moment; how many."""
    return await executions.delete_before(uow, before, SWEEP)


def _execution(uow: UnitOfWork, agent: Agent, event: Event, ended: Ended, attempt: int, *, is_dead: bool) -> Execution:
    return Execution(
        id=new_id("lg", agent.environment_id),
        environment_id=agent.environment_id,
        agent_id=agent.id,
        version=agent.version,
        event_id=event.id,
        topic=event.topic,
        space_id=event.space_id,
        context=event.context,
        namespaces=event.namespaces,
        state=ended.state,
        success=ended.success,
        is_dead=is_dead,
        attempt=attempt,
        log=ended.log.replace("\0", "")[:MAX_LOG] or None,
        error=None if ended.error is None else ended.error.replace("\0", "")[:1_000],
        duration=ended.duration,
        memory=ended.memory,
        queue_lag=max(0, ended.began_at - event.created_at),
        is_cold=ended.is_cold,
        created_at=ended.began_at,
        completed_at=ended.began_at + ended.duration,
    )
