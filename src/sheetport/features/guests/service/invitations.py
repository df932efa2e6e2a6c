"""Invitations: a mail with the entry link or, where no mail goes out, a sign-in link to hand over."""

from __future__ import annotations

from sheetport.features.audit import service as audit
from sheetport.features.guests import store
from sheetport.features.guests.model import HANDED_LIFETIME, MAGIC_LINK, Access, Guest, HandedLink, Invite, LinkKind
from sheetport.features.guests.service import entry, rules
from sheetport.features.guests.service.accesses import let_in
from sheetport.features.mail import service as mail
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Conflict, Invalid
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def invite(
    uow: UnitOfWork, actor: Actor, invites: list[Invite], base_url: str, *, sends_mail: bool
) -> list[HandedLink]:
    """Invite guests into spaces, all or none; whoever is not let into the space yet is let into all of it.

    The links to hand over, one an invitation, when no mail goes out; else none. Raises Invalid, NotFound, Forbidden,
    and Conflict where links by mail are no way into the space.
    """
    actor = require(actor, Permission.GUEST_WRITE)
    if not 1 <= len(invites) <= rules.MAX_BATCH:
        raise Invalid(f"Send 1 to {rules.MAX_BATCH} invitations in one call.", "general")
    found = [await _invite(uow, actor, each, base_url, sends_mail=sends_mail) for each in invites]
    return [each for each in found if each is not None]


async def _invite(
    uow: UnitOfWork, actor: Actor, wanted: Invite, base_url: str, *, sends_mail: bool
) -> HandedLink | None:
    from_name = rules.checked_name(wanted.from_name, "fromName")[: rules.MAX_FROM_NAME] if wanted.from_name else None
    message = (wanted.message or "").strip()
    if len(message) > rules.MAX_MESSAGE:
        raise Invalid(f"message must have at most {rules.MAX_MESSAGE} characters.", "message")
    place, door = await rules.open_door(uow, actor, wanted.space_id)
    guest, access = await _let_in(uow, actor, wanted, place.environment_id)
    if MAGIC_LINK not in door.ways:
        raise Conflict(
            "Guests do not come into this space by links of their own: guestAuthentication of the space, or of its "
            "environment, lacks magic_link.",
            "guestAuthentication",
        )
    if not guest.email:
        raise Invalid(f"Guest {guest.id} has no address to invite: give them one first.", "guestId")
    await audit.record(
        uow, actor, "guest:invite", guest.id, environment_id=guest.environment_id, space_id=door.space_id
    )
    if not sends_mail:
        token = await entry.mint_link(uow, guest, door.space_id, LinkKind.HANDED, HANDED_LIFETIME)
        return HandedLink(guest.id, door.space_id, entry.link(base_url, door.space_id, token))
    entry_link = entry.link(base_url, door.space_id, entry.entry_token(uow.keys, guest, access))
    values = {"space": door.name, "name": guest.name, "from_name": from_name, "message": message}
    await mail.enqueue(uow, guest.account_id, guest.email, "guest-invitation", entry_link=entry_link, **values)
    return None


async def _let_in(uow: UnitOfWork, actor: Actor, wanted: Invite, environment_id: str) -> tuple[Guest, Access]:
    """The guest and their access. Somebody new to the space must be the caller's to know of."""
    guest = await store.find_guest(uow, wanted.guest_id)
    if guest is None or guest.environment_id != environment_id:
        raise rules.not_found(wanted.guest_id)
    access = guest.access_to(wanted.space_id)
    if access is None:
        await rules.reached_guest(uow, actor, wanted.guest_id)
        access = Access(wanted.space_id, uow.now)
        guest = await let_in(uow, actor, guest, access)
    return guest, access
