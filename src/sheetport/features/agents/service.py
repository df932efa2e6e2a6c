"""Agents. No listener is deployed to this server, so every reachable environment has an empty list of them."""

from __future__ import annotations

from sheetport.features.environments import service as environments
from sheetport.features.places import service as places
from sheetport.features.roles import service as roles
from sheetport.features.roles.model import ActorRole, Holder
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.errors import Invalid
from sheetport.kernel.paging import Page, Paged
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def list_agents(uow: UnitOfWork, actor: Actor, environment_id: str | None, page: Page) -> Paged[object]:
    """The agents of an environment, of which there are none. Raises Invalid without an environment, and NotFound."""
    if not environment_id:
        raise Invalid("environmentId is required: say whose agents to list.", "environmentId")
    await environments.get_environment(uow, actor, environment_id)
    return Paged([], page, 0)


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


async def _holder(uow: UnitOfWork, actor: Actor, agent_id: str) -> Holder:
    place = await places.get_place(uow, actor, agent_id, "ag")
    return Holder(ActorKind.AGENT, place.id, place.account_id, place.environment_id)
