"""Lets guests into spaces and takes them out again: each with its event, its record, and effect at once."""

from __future__ import annotations

from dataclasses import replace

from sheetport.features.accounts import service as accounts
from sheetport.features.audit import service as audit
from sheetport.features.events import service as events
from sheetport.features.guests import store
from sheetport.features.guests.model import Access, Guest
from sheetport.features.guests.service.holding import holder_of
from sheetport.features.places.model import Place
from sheetport.features.roles import service as roles
from sheetport.kernel.actor import Actor
from sheetport.storage.unit_of_work import UnitOfWork


async def let_in(uow: UnitOfWork, actor: Actor, guest: Guest, access: Access, *, has_tokens: bool = True) -> Guest:
    """Let a guest into a space, or change what of it they are let into; nothing happens when it is as it was.

    ``has_tokens`` says that the guest may hold some, which are to see the change at once.
    """
    before = guest.access_to(access.space_id)
    if before is not None and before.parts == access.parts:
        return guest
    if before is None:
        await store.insert_access(uow, guest, access)
        await _tell(uow, actor, guest, access.space_id, "space:guestAdded")
        after = (*guest.spaces, access)
    else:
        await store.narrow_access(uow, guest, access.space_id, access.parts)
        changed = replace(before, parts=access.parts)
        after = tuple(changed if each.space_id == access.space_id else each for each in guest.spaces)
    action = "guest:let-in" if before is None else "guest:narrow"
    await _record(uow, actor, guest, action, access)
    if has_tokens:
        await accounts.bump_generation(uow, guest.account_id)
    return replace(guest, spaces=after)


async def put_out(uow: UnitOfWork, actor: Actor, guest: Guest, space_id: str) -> Guest:
    """Take a guest out of a space: their tokens, links and roles for it end with this unit of work."""
    access = guest.access_to(space_id)
    if access is None:
        return guest
    await store.delete_access(uow, guest, space_id)
    await roles.remove_roles_in(uow, holder_of(guest), space_id)
    await _tell(uow, actor, guest, space_id, "space:guestRemoved")
    await _record(uow, actor, guest, "guest:put-out", access)
    await accounts.bump_generation(uow, guest.account_id)
    return replace(guest, spaces=tuple(each for each in guest.spaces if each.space_id != space_id))


async def _tell(uow: UnitOfWork, actor: Actor, guest: Guest, space_id: str, topic: str) -> None:
    place = Place(guest.environment_id, space_id, "sp", guest.account_id, space_id)
    payload = {"guestId": guest.id, "spaceId": space_id}
    await events.emit(uow, actor, topic, place, payload)


async def _record(uow: UnitOfWork, actor: Actor, guest: Guest, action: str, access: Access) -> None:
    detail: dict[str, object] = {"space_id": access.space_id}
    if access.parts is not None:
        detail["parts"] = [each.sheet_id or each.workbook_id for each in access.parts]
    await audit.record(uow, actor, action, guest.id, environment_id=guest.environment_id, **detail)
