"""A space for a customer's page, in one transaction: whoever holds a publishable key may begin one."""

from __future__ import annotations

from dataclasses import dataclass

from sheetport.features.environments import service as environments
from sheetport.features.environments.model import Environment
from sheetport.features.spaces import service as spaces
from sheetport.features.spaces.model import Space, SpaceChange
from sheetport.features.workbooks import service as workbooks
from sheetport.features.workbooks.model import Workbook, WorkbookChange
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Embed:
    """What a page needs to show a new space."""

    space: Space
    workbooks: list[Workbook]
    environment: Environment


async def init_space(
    uow: UnitOfWork, actor: Actor, change: SpaceChange, workbook: WorkbookChange | None, external_actor_id: str | None
) -> Embed:
    """A new space with its token and, if one is described, its workbook."""
    require(actor, Permission.SPACE_INIT)
    space = await spaces.create_space(uow, actor, change, external_actor_id)
    made = [] if workbook is None else [await workbooks.add_workbook(uow, actor, space.place, workbook)]
    server = system_actor(space.account_id, space.environment_id)
    return Embed(space, made, await environments.get_environment(uow, server, space.environment_id))
