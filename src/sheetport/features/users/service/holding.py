"""The roles of users."""

from __future__ import annotations

from sheetport.features.roles import service as roles
from sheetport.features.roles.model import ActorRole
from sheetport.features.users.service.users import get_user, holder_of
from sheetport.kernel.actor import Actor
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def list_user_roles(uow: UnitOfWork, actor: Actor, user_id: str) -> list[ActorRole]:
    """The roles that a user has, oldest first; everybody sees their own. Raises NotFound."""
    return await roles.list_actor_roles(uow, holder_of(await get_user(uow, actor, user_id)))


async def assign_user_role(uow: UnitOfWork, actor: Actor, user_id: str, role_id: str, resource_id: str) -> ActorRole:
    """Give a user a role on a resource. Raises NotFound, Invalid, and Forbidden for more than the caller has."""
    actor = require(actor, Permission.USER_WRITE)
    user = await get_user(uow, actor, user_id)
    return await roles.assign_role(uow, actor, holder_of(user), role_id, resource_id)


async def remove_user_role(uow: UnitOfWork, actor: Actor, user_id: str, actor_role_id: str) -> None:
    """Take a role from a user. Raises NotFound, Forbidden, and Conflict for the last Administrator's."""
    actor = require(actor, Permission.USER_WRITE)
    user = await get_user(uow, actor, user_id)
    await roles.remove_role(uow, actor, holder_of(user), actor_role_id)
