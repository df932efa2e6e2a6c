"""Agents. No listener is deployed to this server, so every reachable environment has an empty list of them."""

from __future__ import annotations

from sheetport.features.environments import service as environments
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid
from sheetport.kernel.paging import Page, Paged
from sheetport.storage.unit_of_work import UnitOfWork


async def list_agents(uow: UnitOfWork, actor: Actor, environment_id: str | None, page: Page) -> Paged[object]:
    """The agents of an environment, of which there are none. Raises Invalid without an environment, and NotFound."""
    if not environment_id:
        raise Invalid("environmentId is required: say whose agents to list.", "environmentId")
    await environments.get_environment(uow, actor, environment_id)
    return Paged([], page, 0)
