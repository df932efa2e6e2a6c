"""Guests without an address: those who come by a space's own address, and those whom only a customer's page knows."""

from __future__ import annotations

from sheetport.features.audit import service as audit
from sheetport.features.guests import store
from sheetport.features.guests.model import ANONYMOUS_KEPT, ANONYMOUS_NAME, SHARED_LINK, Access, Door, Guest
from sheetport.features.guests.service.accesses import let_in, put_out
from sheetport.features.guests.service.entry import begin_session
from sheetport.features.guests.service.guests import add_guest
from sheetport.features.guests.service.holding import holder_of
from sheetport.features.roles import service as roles
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.errors import Invalid
from sheetport.storage.unit_of_work import UnitOfWork

MAX_EXTERNAL = 255
BATCH = 20


async def join(uow: UnitOfWork, door: Door) -> str | None:
    """The token of a new anonymous guest of a space, None where its address does not let anybody in."""
    if SHARED_LINK not in door.ways or not door.is_open:
        return None
    server = system_actor(door.account_id, door.environment_id)
    guest = await add_guest(uow, server, door.environment_id, ANONYMOUS_NAME, is_anonymous=True)
    guest = await let_in(uow, server, guest, Access(door.space_id, uow.now), has_tokens=False)
    return await begin_session(uow, guest, door.space_id)


async def know_external(uow: UnitOfWork, actor: Actor, environment_id: str, space_id: str, external_id: str) -> Guest:
    """The guest whom a customer's page calls ``external_id``, who is let into the space.

    Called by the embedded start, which checks who may. Raises Invalid.
    """
    if not 1 <= len(external_id) <= MAX_EXTERNAL or not external_id.isprintable():
        raise Invalid(f"externalActorId must have 1 to {MAX_EXTERNAL} printable characters.", "externalActorId")
    guest = await store.find_by_external_id(uow, environment_id, external_id)
    if guest is None:
        guest = await add_guest(uow, actor, environment_id, external_id, external_id=external_id)
    return await let_in(uow, actor, guest, Access(space_id, uow.now), has_tokens=False)


async def forget_guests(uow: UnitOfWork) -> int:
    """Remove up to BATCH anonymous guests who have not been seen for a day, and links that have ended; how many."""
    await store.delete_old_links(uow, uow.now - ANONYMOUS_KEPT)
    forgotten = await store.lock_forgotten(uow, uow.now - ANONYMOUS_KEPT, BATCH)
    for guest in forgotten:
        server = system_actor(guest.account_id, guest.environment_id)
        for access in guest.spaces:
            await put_out(uow, server, guest, access.space_id)
        await store.delete_guest(uow, guest)
        if await roles.list_actor_roles(uow, holder_of(guest)):
            await roles.remove_all_roles(uow, holder_of(guest))
        await audit.record(uow, server, "guest:forget", guest.id, environment_id=guest.environment_id)
    return len(forgotten)
