"""A guest's tokens, and the links that lead to them.

``gel_<guest id>.<space id>.<when they were let in>.<generation>.<mac>`` is the entry link of an invitation. It is
derived, holds until the guest is taken out of the space, and gives nothing but a mail with a sign-in link to the
guest's own address. ``glk_…`` is such a sign-in link: stored by its fingerprint, good once and for a while.
"""

from __future__ import annotations

from sheetport.features.audit import service as audit
from sheetport.features.auth import service as auth
from sheetport.features.auth.service import GuestClaim
from sheetport.features.guests import store
from sheetport.features.guests.model import MAGIC_LINK, MAIL_PAUSE, Access, Door, Guest, Link, LinkKind
from sheetport.features.guests.service import rules
from sheetport.features.mail import service as mail
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.clock import MINUTE
from sheetport.kernel.crypto import KeyRing, mint_token
from sheetport.kernel.errors import Invalid
from sheetport.kernel.ids import new_id
from sheetport.kernel.permissions import Permission, require
from sheetport.kernel.tokens import unchecked, with_checksum
from sheetport.storage.unit_of_work import UnitOfWork

ENTRY_PREFIX, LOGIN_PREFIX = "gel_", "glk_"


async def get_token(uow: UnitOfWork, actor: Actor, guest_id: str, space_id: str | None = None) -> str:
    """A guest's token for a space, or for every space of theirs that the caller reaches: whoever runs a space may act
    as its guests, which is recorded. Raises NotFound, Invalid, Forbidden."""
    actor = require(actor, Permission.GUEST_WRITE)
    rules.refuse_guests(actor)
    guest = await rules.reached_guest(uow, actor, guest_id)
    if space_id is None:
        whole = await store.find_guest(uow, guest_id)
        if not guest.spaces or whole is None:
            raise Invalid("This guest is let into no space; let them into one first.", "spaceId")
        space_id = "" if len(whole.spaces) == len(guest.spaces) else guest.spaces[0].space_id
    elif guest.access_to(space_id) is None:
        await rules.open_door(uow, actor, space_id)
        raise rules.not_let_in("spaceId")
    await audit.record(uow, actor, "guest:token", guest.id, environment_id=guest.environment_id, space_id=space_id)
    return await begin_session(uow, guest, space_id)


async def begin_session(uow: UnitOfWork, guest: Guest, space_id: str, began_at: int | None = None) -> str:
    """A token of a guest, an hour long; ``began_at`` is when they signed in, now unless it is a renewal."""
    for access in guest.spaces:
        if space_id in {"", access.space_id}:
            await store.note_accessed(uow, guest, access.space_id)
    await store.touch_guest(uow, guest)
    began = uow.now if began_at is None else began_at
    claim = GuestClaim(guest.id, space_id, began, uow.now + auth.GUEST_LIFETIME, guest.token_generation)
    return auth.mint_guest_token(uow.keys, claim)


def guest_actor(guest: Guest) -> Actor:
    """The guest, as what they do themselves is recorded."""
    return Actor(ActorKind.GUEST, guest.id, guest.account_id, guest.id, guest.environment_id)


async def mint_link(uow: UnitOfWork, guest: Guest, space_id: str, kind: LinkKind, lifetime: int) -> str:
    """The token of a new link that signs a guest in once."""
    token = mint_token(LOGIN_PREFIX.rstrip("_"))
    made = Link(guest.environment_id, new_id("lnk", guest.environment_id), guest.id, space_id, kind, uow.now + lifetime)
    await store.insert_link(uow, made, uow.keys.fingerprint(token))
    return token


async def mail_login(uow: UnitOfWork, guest: Guest, door: Door, base_url: str, lifetime: int) -> str | None:
    """Mail a guest a sign-in link of a space, if that is a way in, but for a pause after the last one; the address it
    goes to, all but hidden."""
    if MAGIC_LINK not in door.ways or not door.is_open or not guest.email:
        return None
    if await store.note_mailed(uow, guest, door.space_id, MAIL_PAUSE):
        token = await mint_link(uow, guest, door.space_id, LinkKind.LOGIN, lifetime)
        values = {"space": door.name, "login_link": link(base_url, door.space_id, token), "minutes": lifetime // MINUTE}
        await mail.enqueue(uow, guest.account_id, guest.email, "guest-login", **values)
        await audit.record(
            uow, guest_actor(guest), "guest:mail-link", guest.id, environment_id=guest.environment_id,
            space_id=door.space_id,
        )  # fmt: skip
    local, _, domain = guest.email.rpartition("@")
    return f"{local[:1]}…@{domain}"


def link(base_url: str, space_id: str, token: str) -> str:
    """The address of a space's page that takes the token."""
    return f"{base_url}/space/{space_id}?token={token}"


def entry_token(keys: KeyRing, guest: Guest, access: Access) -> str:
    """The token of the entry link: the same until the guest is taken out of the space."""
    body = f"{guest.id}.{access.space_id}.{access.created_at}.{guest.token_generation}"
    return with_checksum(f"{ENTRY_PREFIX}{body}.{keys.sign('guest entry', body)}")


async def find_entry(uow: UnitOfWork, token: str) -> tuple[Guest, Access] | None:
    """Whose entry link it is, and where it leads, if it still holds."""
    body, _, signature = unchecked(token).removeprefix(ENTRY_PREFIX).rpartition(".")
    if not body.isascii() or not uow.keys.signed(signature, "guest entry", body):
        return None
    guest_id, space_id, created_at, generation = body.split(".")
    guest = await store.find_guest(uow, guest_id)
    access = guest.access_to(space_id) if guest is not None else None
    if guest is None or access is None or (access.created_at, guest.token_generation) != (
        int(created_at), int(generation)
    ):  # fmt: skip
        return None
    return guest, access
