"""Who may do what with guests, and what may be said of them."""

from __future__ import annotations

from dataclasses import replace

from sheetport.features.guests import store
from sheetport.features.guests.model import Access, AccessDraft, Door, Guest, Part
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.errors import Forbidden, Invalid, NotFound
from sheetport.storage.unit_of_work import UnitOfWork

MAX_NAME = 255
MAX_FROM_NAME, MAX_MESSAGE = 100, 2_000
#: Configurations and invitations of one call.
MAX_BATCH = 100


def not_found(guest_id: str) -> NotFound:
    """The refusal for a guest who is absent or not the caller's to know of."""
    return NotFound(f"There is no guest {guest_id[:60]!r} that this token can reach.", "guestId")


def not_let_in(key: str) -> Invalid:
    """The refusal of something for a guest in a space that they are not let into."""
    return Invalid("This guest is not let into that space; invite them first.", key)


async def reached_guest(uow: UnitOfWork, actor: Actor, guest_id: str) -> Guest:
    """The guest with the spaces that the caller reaches. Raises NotFound."""
    guest = await store.find_guest(uow, guest_id)
    if guest is None:
        raise not_found(guest_id)
    seen = visible(actor, guest)
    if not seen.spaces and not actor.reaches(guest.account_id, guest.environment_id):
        raise not_found(guest_id)
    return seen


def visible(actor: Actor, guest: Guest) -> Guest:
    """The guest as far as the caller may know: without the spaces that it does not reach."""
    account, environment = guest.account_id, guest.environment_id
    spaces = tuple(each for each in guest.spaces if actor.reaches(account, environment, each.space_id))
    return replace(guest, spaces=spaces)


async def open_door(uow: UnitOfWork, actor: Actor, space_id: str, key: str = "spaceId") -> tuple[Place, Door]:
    """A space that the caller may let guests into. Raises NotFound, and Forbidden for guests where the space does not
    let them invite."""
    place = await places.get_place(uow, actor, space_id, "sp")
    door = await store.find_door(uow, space_id)
    if door is None:
        raise places.not_found(space_id, "sp")
    if actor.kind is ActorKind.GUEST and not door.guests_invite:
        raise Forbidden(
            "Guests may not see or invite others here: the space's metadata.sidebarConfig.showGuestInvite is not true.",
            key,
        )
    return place, door


def refuse_guests(actor: Actor) -> None:
    """Raise Forbidden for a guest: what follows is for whoever runs the space."""
    if actor.kind is ActorKind.GUEST:
        raise Forbidden(
            "Guests may invite guests where the space lets them; everything else needs a key.", "permission"
        )


def checked_name(name: str, key: str = "name") -> str:
    """The name without the space around it. Raises Invalid."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise Invalid(f"{key} must have 1 to {MAX_NAME} characters, none of them a control character.", key)
    return name


async def drafted_access(uow: UnitOfWork, actor: Actor, draft: AccessDraft, environment_id: str, key: str) -> Access:
    """The access that a request describes, once the caller reaches all of it. Raises Invalid, NotFound, Forbidden."""
    for ids, word in ((draft.workbook_ids, "workbooks"), (draft.sheet_ids, "sheets")):
        if ids is not None and not ids:
            raise Invalid(f"{key}.{word} is empty: leave it out for all of the space, or name one.", f"{key}.{word}")
    if actor.kind is ActorKind.GUEST or (draft.workbook_ids is None and draft.sheet_ids is None):
        place, _ = await open_door(uow, actor, draft.space_id, key)
        _require_environment(place, environment_id, key)
    if draft.workbook_ids is None and draft.sheet_ids is None:
        return Access(draft.space_id, uow.now)
    parts = [Part(each) for each in draft.workbook_ids or ()]
    for workbook_id in draft.workbook_ids or ():
        _require_in_space(await places.get_place(uow, actor, workbook_id, "wb"), draft.space_id, key)
    for sheet_id in draft.sheet_ids or ():
        place = await places.get_place(uow, actor, sheet_id, "sh")
        _require_in_space(place, draft.space_id, key)
        parts.append(Part(place.workbook_id or "", sheet_id))
    _require_environment(await places.get_place(uow, actor, draft.space_id, "sp", around=True), environment_id, key)
    return Access(draft.space_id, uow.now, tuple(dict.fromkeys(parts)))


def _require_environment(place: Place, environment_id: str, key: str) -> None:
    if place.environment_id != environment_id:
        raise Invalid(f"{key}.id: this space is not in environment {environment_id[:60]}.", f"{key}.id")


def _require_in_space(place: Place, space_id: str, key: str) -> None:
    if place.space_id != space_id:
        raise Invalid(f"{key}: {place.id} does not lie in space {space_id[:60]}.", key)
