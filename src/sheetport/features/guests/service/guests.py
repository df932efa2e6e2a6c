"""Guests: making, reading, changing and removing them."""

from __future__ import annotations

from dataclasses import replace

from sheetport.features.accounts import service as accounts
from sheetport.features.audit import service as audit
from sheetport.features.guests import store
from sheetport.features.guests.model import Guest, GuestChange, GuestDraft
from sheetport.features.guests.service import rules
from sheetport.features.guests.service.accesses import let_in, put_out
from sheetport.features.guests.service.holding import holder_of
from sheetport.features.places import service as places
from sheetport.features.roles import service as roles
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.errors import Conflict, Invalid
from sheetport.kernel.ids import new_id
from sheetport.kernel.mailboxes import checked_address, is_address
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def list_guests(uow: UnitOfWork, actor: Actor, space_id: str, email: str | None = None) -> list[Guest]:
    """The guests of a space, the oldest first, at most 10,000; with ``email`` the one of that address.

    Each with the spaces that the caller reaches. Raises NotFound, and Forbidden for guests who may not invite.
    """
    actor = require(actor, Permission.GUEST_READ)
    place, _ = await rules.open_door(uow, actor, space_id)
    if email is not None and not is_address(email.strip()):
        return []
    return [
        rules.visible(actor, each) for each in await store.list_in_space(uow, place.environment_id, space_id, email)
    ]


async def get_guest(uow: UnitOfWork, actor: Actor, guest_id: str) -> Guest:
    """One guest. Guests see themselves, and others where they may invite. Raises NotFound, Forbidden."""
    actor = require(actor, Permission.GUEST_READ)
    guest = await rules.reached_guest(uow, actor, guest_id)
    if actor.kind is ActorKind.GUEST and actor.id != guest.id:
        for access in guest.spaces:
            await rules.open_door(uow, actor, access.space_id)
    return guest


async def create_guests(uow: UnitOfWork, actor: Actor, drafts: list[GuestDraft]) -> list[Guest]:
    """Guests as described, in that order, all or none; who is let into a space has no link to it before an invitation.

    Someone of the same address is the same guest: they keep id, name and what they have, and are let into the spaces
    they lack. Raises Invalid, NotFound, Forbidden.
    """
    actor = require(actor, Permission.GUEST_WRITE)
    if len(drafts) > rules.MAX_BATCH:
        raise Invalid(f"Make at most {rules.MAX_BATCH} guests in one call.", "general")
    return [await _create(uow, actor, draft, number) for number, draft in enumerate(drafts)]


async def update_guest(uow: UnitOfWork, actor: Actor, guest_id: str, change: GuestChange) -> Guest:
    """Change what ``change`` names. ``spaces`` replaces those that the caller reaches. Another address ends every
    token and link of the guest. Raises Invalid, NotFound, Forbidden, and Conflict for an address that is taken."""
    actor = require(actor, Permission.GUEST_WRITE)
    rules.refuse_guests(actor)
    guest = await rules.reached_guest(uow, actor, guest_id)
    if change.environment_id not in {None, guest.environment_id}:
        raise Invalid("environmentId: a guest cannot move to another environment.", "environmentId")
    if change.name is not None or change.email is not None:
        guest = await _renamed(uow, actor, guest, change)
    if change.spaces is not None:
        wanted = [
            await rules.drafted_access(uow, actor, draft, guest.environment_id, f"spaces[{number}]")
            for number, draft in enumerate(change.spaces)
        ]
        for space_id in {each.space_id for each in guest.spaces} - {each.space_id for each in wanted}:
            guest = await put_out(uow, actor, guest, space_id)
        for access in wanted:
            guest = await let_in(uow, actor, guest, access)
    return guest


async def delete_guest(uow: UnitOfWork, actor: Actor, guest_id: str, space_id: str | None = None) -> None:
    """Remove a guest for good, or with ``space_id`` only from that space: tokens and links end at once.

    Whoever reaches only some of a guest's spaces takes them out of those. Raises NotFound, Forbidden.
    """
    actor = require(actor, Permission.GUEST_WRITE)
    rules.refuse_guests(actor)
    guest = await rules.reached_guest(uow, actor, guest_id)
    if space_id is not None:
        if guest.access_to(space_id) is None:
            raise places.not_found(space_id, "sp")
        await put_out(uow, actor, guest, space_id)
        return
    for access in guest.spaces:
        guest = await put_out(uow, actor, guest, access.space_id)
    if not actor.reaches(guest.account_id, guest.environment_id):
        return
    await store.delete_guest(uow, guest)
    await roles.remove_all_roles(uow, holder_of(guest))
    await audit.record(uow, actor, "guest:delete", guest.id, environment_id=guest.environment_id)


async def end_tokens(uow: UnitOfWork, actor: Actor, guest_id: str) -> None:
    """End every token and link of a guest, as when one was exposed; an invitation lets them in again."""
    actor = require(actor, Permission.GUEST_WRITE)
    guest = await rules.reached_guest(uow, actor, guest_id)
    await store.delete_links(uow, guest)
    await store.update_guest(uow, replace(guest, token_generation=guest.token_generation + 1))
    await accounts.bump_generation(uow, guest.account_id)
    await audit.record(uow, actor, "guest:end-tokens", guest.id, environment_id=guest.environment_id)


async def _create(uow: UnitOfWork, actor: Actor, draft: GuestDraft, number: int) -> Guest:
    if not draft.spaces:
        await places.get_place(uow, actor, draft.environment_id, "env")
    accesses = [
        await rules.drafted_access(uow, actor, each, draft.environment_id, f"[{number}].spaces[{index}]")
        for index, each in enumerate(draft.spaces)
    ]
    email = checked_address(draft.email, f"[{number}].email")
    name = rules.checked_name(draft.name, f"[{number}].name")
    guest = await store.find_by_email(uow, draft.environment_id, email)
    if guest is None:
        guest = await add_guest(uow, actor, draft.environment_id, name, email=email)
    for access in accesses:
        if guest.access_to(access.space_id) is None:
            guest = await let_in(uow, actor, guest, access)
    return rules.visible(actor, guest)


async def add_guest(
    uow: UnitOfWork,
    actor: Actor,
    environment_id: str,
    name: str,
    *,
    email: str = "",
    external_id: str | None = None,
    is_anonymous: bool = False,
) -> Guest:
    """A new guest, let into nothing yet; the one there is when another process has added them meanwhile."""
    guest = Guest(
        environment_id,
        new_id("g", environment_id),
        actor.account_id,
        name,
        uow.now,
        uow.now,
        email,
        external_id,
        is_anonymous,
    )
    if await store.insert_guest(uow, guest):
        await audit.record(uow, actor, "guest:create", guest.id, environment_id=environment_id)
        return guest
    known = None
    if email:
        known = await store.find_by_email(uow, environment_id, email)
    elif external_id is not None:
        known = await store.find_by_external_id(uow, environment_id, external_id)
    if known is None:
        raise Conflict("This guest is being made and removed at this moment; try again.", "email")
    return known


async def _renamed(uow: UnitOfWork, actor: Actor, guest: Guest, change: GuestChange) -> Guest:
    name = guest.name if change.name is None else rules.checked_name(change.name)
    email = guest.email if change.email is None else checked_address(change.email)
    taken = await store.find_by_email(uow, guest.environment_id, email) if email else None
    if taken is not None and taken.id != guest.id:
        raise Conflict("There is already a guest with this email in this environment.", "email")
    after = replace(guest, name=name, email=email, updated_at=uow.now)
    if email != guest.email:
        after = replace(after, token_generation=guest.token_generation + 1)
        await store.delete_links(uow, guest)
        await accounts.bump_generation(uow, guest.account_id)
    await store.update_guest(uow, after)
    changed = [word for word, old, new in (("name", guest.name, name), ("email", guest.email, email)) if old != new]
    await audit.record(uow, actor, "guest:update", guest.id, environment_id=guest.environment_id, changed=changed)
    return after
