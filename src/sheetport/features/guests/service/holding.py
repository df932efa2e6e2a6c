"""The roles of guests: more than guests have by themselves, where they are let in."""

from __future__ import annotations

from sheetport.features.guests.model import Guest
from sheetport.features.guests.service import rules
from sheetport.features.places import service as places
from sheetport.features.roles import service as roles
from sheetport.features.roles.model import ActorRole, Holder
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def list_guest_roles(uow: UnitOfWork, actor: Actor, guest_id: str) -> list[ActorRole]:
    """The roles that a guest has on what the caller reaches, oldest first. Raises NotFound, Forbidden."""
    actor = require(actor, Permission.GUEST_READ)
    guest = await _guest(uow, actor, guest_id)
    given = await roles.list_actor_roles(uow, holder_of(guest))
    return [each for each in given if actor.reaches(guest.account_id, *each.path)]


async def assign_guest_role(uow: UnitOfWork, actor: Actor, guest_id: str, role_id: str, resource_id: str) -> ActorRole:
    """Give a guest a role on a space they are let into, on something in it, or on the environment, which is on every
    space they are let into. It gives no more than a guest may have. Raises NotFound, Invalid, Forbidden."""
    actor = require(actor, Permission.GUEST_WRITE)
    guest = await _guest(uow, actor, guest_id)
    place = await places.find_place(uow, actor.at_large(), resource_id)
    if place is not None and place.space_id is not None and guest.access_to(place.space_id) is None:
        raise rules.not_let_in("resourceId")
    return await roles.assign_role(uow, actor, holder_of(guest), role_id, resource_id)


async def remove_guest_role(uow: UnitOfWork, actor: Actor, guest_id: str, actor_role_id: str) -> None:
    """Take a role from a guest. Raises NotFound, Forbidden."""
    actor = require(actor, Permission.GUEST_WRITE)
    await roles.remove_role(uow, actor, holder_of(await _guest(uow, actor, guest_id)), actor_role_id)


def holder_of(guest: Guest) -> Holder:
    return Holder(ActorKind.GUEST, guest.id, guest.account_id, guest.environment_id)


async def _guest(uow: UnitOfWork, actor: Actor, guest_id: str) -> Guest:
    rules.refuse_guests(actor)
    return await rules.reached_guest(uow, actor, guest_id)
