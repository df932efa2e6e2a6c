"""Lists of agents, of their versions, and of what they did."""

from __future__ import annotations

from dataclasses import replace

from sheetport.features.agents import store
from sheetport.features.agents.model import Agent, AgentVersion, Bundle, Execution, ExecutionFilter
from sheetport.features.agents.store import executions, queue
from sheetport.features.environments import service as environments
from sheetport.features.places import service as places
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid, NotFound
from sheetport.kernel.paging import Page, Paged
from sheetport.kernel.permissions import Permission, holds, require
from sheetport.storage.unit_of_work import UnitOfWork


async def list_agents(
    uow: UnitOfWork,
    actor: Actor,
    environment_id: str | None,
    page: Page,
    search: str | None = None,
    *,
    is_system: bool = False,
) -> Paged[Agent]:
    """The agents of an environment whose slug or id holds ``search``. There are none of the server's own
    (``is_system``), and none are shown to a caller who was let into a part of the environment only.

    Raises Invalid without an environment, and NotFound.
    """
    if not environment_id:
        raise Invalid("environmentId is required: say whose agents to list.", "environmentId")
    await environments.get_environment(uow, actor, environment_id)
    if is_system or not holds(actor, Permission.ENVIRONMENT_READ, environment_id):
        return Paged([], page, 0)
    found, total = await store.list_agents(uow, environment_id, search, page)
    return Paged(found, page, total)


async def get_agent(
    uow: UnitOfWork, actor: Actor, agent_id: str, environment_id: str | None = None
) -> tuple[Agent, Bundle | None]:
    """An agent, with its program for whoever may change it. Raises NotFound."""
    actor = require(actor, Permission.ENVIRONMENT_READ)
    agent = await find_own(uow, actor, agent_id, environment_id)
    if not holds(actor, Permission.ENVIRONMENT_WRITE, agent.environment_id):
        return agent, None
    return agent, await store.find_bundle(uow, agent.environment_id, agent.version_id)


async def get_state(uow: UnitOfWork, actor: Actor, agent_id: str) -> tuple[Agent, int]:
    """An agent, and how many events it is still to be told. Raises NotFound."""
    actor = require(actor, Permission.ENVIRONMENT_READ)
    agent = await find_own(uow, actor, agent_id)
    return agent, await queue.count_waiting(uow, agent)


async def list_versions(uow: UnitOfWork, actor: Actor, agent_id: str) -> list[AgentVersion]:
    """The versions of an agent that are kept, newest first. Raises NotFound."""
    actor = require(actor, Permission.ENVIRONMENT_READ)
    return await store.list_versions(uow, await find_own(uow, actor, agent_id))


async def list_executions(uow: UnitOfWork, actor: Actor, wanted: ExecutionFilter, page: Page) -> Paged[Execution]:
    """What the agents of an environment did, newest first. Raises Invalid without an environment, and NotFound."""
    actor = require(actor, Permission.ENVIRONMENT_READ)
    if wanted.agent_id is not None:
        agent = await find_own(uow, actor, wanted.agent_id, wanted.environment_id or None)
        wanted = replace(wanted, environment_id=agent.environment_id)
    await _require_environment(uow, actor, wanted.environment_id)
    if wanted.space_id is not None:
        place = await places.get_place(uow, actor, wanted.space_id, "sp")
        if place.environment_id != wanted.environment_id:
            raise places.not_found(wanted.space_id, "sp")
    found, total = await executions.list_executions(uow, wanted, page)
    return Paged(found, page, total)


async def get_event_log(uow: UnitOfWork, actor: Actor, environment_id: str | None, event_id: str) -> Execution:
    """What an agent last did about an event. Raises Invalid, NotFound."""
    actor = require(actor, Permission.ENVIRONMENT_READ)
    environment_id = await _require_environment(uow, actor, environment_id)
    wanted = ExecutionFilter(environment_id, event_id=event_id)
    found, _ = await executions.list_executions(uow, wanted, Page(1, 1))
    if not found:
        raise NotFound(f"No agent of this environment was told of event {event_id[:60]!r}.", "eventId")
    return found[0]


async def find_own(uow: UnitOfWork, actor: Actor, agent_id: str, environment_id: str | None = None) -> Agent:
    """A live agent that the present call may be about. Raises NotFound."""
    place = await places.get_place(uow, actor, agent_id, "ag")
    agent = await store.find_agent(uow, place.environment_id, place.id)
    if agent is None or environment_id not in {None, place.environment_id}:
        raise places.not_found(agent_id, "ag")
    return agent


async def _require_environment(uow: UnitOfWork, actor: Actor, environment_id: str | None) -> str:
    if not environment_id:
        raise Invalid("environmentId is required: say whose agents are asked for.", "environmentId")
    await places.get_place(uow, actor, environment_id, "env")
    return environment_id
