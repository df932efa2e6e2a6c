"""Which scope a caller means, and whether the caller reaches it."""

from __future__ import annotations

from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.features.secrets.model import VARIABLE, Scope
from sheetport.features.secrets.service.rules import check_text
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid
from sheetport.storage.unit_of_work import UnitOfWork


async def secret_scope(
    uow: UnitOfWork, actor: Actor, environment_id: str | None, space_id: str | None, actor_id: str | None
) -> Scope:
    """The scope of secrets; the empty text is absent. Raises NotFound for what the caller does not reach.

    ``actor_id`` may be any text: listeners send the id of whoever caused their event.
    """
    environment = await _environment(uow, actor, environment_id or actor.environment_id)
    if space_id:
        check_text(space_id, "spaceId")
        space = await places.get_place(uow, actor, space_id, "sp")
        if space.environment_id != environment.id:
            raise places.not_found(space_id, "sp")
    check_text(actor_id or "", "actorId")
    return Scope(environment.account_id, environment.id, space_id=space_id or "", actor_id=actor_id or "")


async def variable_scope(uow: UnitOfWork, actor: Actor, environment_id: str) -> Scope:
    """The scope of an environment's variables. Raises NotFound."""
    environment = await _environment(uow, actor, environment_id)
    return Scope(environment.account_id, environment.id, VARIABLE)


async def _environment(uow: UnitOfWork, actor: Actor, environment_id: str | None) -> Place:
    if not environment_id:
        raise Invalid("Give environmentId: your token reaches more than one environment.", "environmentId")
    check_text(environment_id, "environmentId")
    return await places.get_place(uow, actor, environment_id, "env")
