"""The roles of agents."""

from __future__ import annotations

from sheetport.features.agents.model import Agent
from sheetport.features.places import service as places
from sheetport.features.roles import service as roles
from sheetport.features.roles.model import ActorRole, Holder
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def list_agent_roles(uow: UnitOfWork, actor: Actor, agent_id: str) -> list[ActorRole]:
    """The roles that an agent has, oldest first. Raises NotFound."""
    actor = require(actor, Permission.ENVIRONMENT_READ)
    return await roles.list_actor_roles(uow, await _holder(uow, actor, agent_id))


async def assign_agent_role(uow: UnitOfWork, actor: Actor, agent_id: str, role_id: str, resource_id: str) -> ActorRole:
    """Give an agent a role on something of its environment. Raises NotFound, Invalid, Forbidden."""
    actor = require(actor, Permission.ENVIRONMENT_WRITE)
    holder = await _holder(uow, actor, agent_id)
    return await roles.assign_role(uow, actor, holder, role_id, resource_id)


async def remove_agent_role(uow: UnitOfWork, actor: Actor, agent_id: str, actor_role_id: str) -> None:
    """Take a role from an agent. Raises NotFound, Forbidden."""
    actor = require(actor, Permission.ENVIRONMENT_WRITE)
    await roles.remove_role(uow, actor, await _holder(uow, actor, agent_id), actor_role_id)


def holder_of(agent: Agent) -> Holder:
    """An agent as the holder of its roles."""
    return Holder(ActorKind.AGENT, agent.id, agent.account_id, agent.environment_id)


async def _holder(uow: UnitOfWork, actor: Actor, agent_id: str) -> Holder:
    place = await places.get_place(uow, actor, agent_id, "ag")
    return Holder(ActorKind.AGENT, place.id, place.account_id, place.environment_id)
