"""Exchanges what a guest comes with for a fresh token. Who calls is unknown until then.

A link or token is worth what it says; an address is worth nothing but a mail to it. Whether an address is a guest's is
looked up later, apart from the request, so that neither the answer nor its time tells.
"""

from __future__ import annotations

from sheetport.features.audit import service as audit
from sheetport.features.auth import service as auth
from sheetport.features.guests import store
from sheetport.features.guests.model import LOGIN_LIFETIME, MAGIC_LINK, SHARED_LINK, Door, Exchanged, Guest
from sheetport.features.guests.service import entry
from sheetport.features.guests.service.anonymous import join
from sheetport.kernel.clock import DAY
from sheetport.kernel.errors import Invalid
from sheetport.kernel.mailboxes import checked_address
from sheetport.storage.unit_of_work import UnitOfWork

#: A guest who stays active signs in again after this.
RENEWED_FOR = 7 * DAY
MAX_TOKEN, MAX_ID = 1_000, 100
BATCH = 20
_INVALID = Exchanged(valid=False)


async def exchange(
    uow: UnitOfWork, token: str | None, email: str | None, space_id: str | None, base_url: str, *, sends_mail: bool
) -> Exchanged:
    """A fresh token for a sign-in link, for a guest's token that still holds, or for a space whose address lets
    anybody in; for an entry link, a token that ended or an address, a mail. Raises Invalid."""
    if token:
        return await _exchange_token(uow, token[:MAX_TOKEN], base_url if sends_mail else None)
    if not space_id or len(space_id) > MAX_ID or "\0" in space_id:
        raise Invalid("Send token, or email with spaceId.", "token" if not email else "spaceId")
    if email is None:
        door = await store.find_door(uow, space_id)
        joined = await join(uow, door) if door is not None else None
        return Exchanged(joined is not None, joined)
    address = checked_address(email)
    if not sends_mail:
        return _INVALID
    await store.request_link(uow, space_id, address)
    return Exchanged(valid=False, sent_to=address)


async def is_any_asked(uow: UnitOfWork) -> bool:
    """Whether somebody has asked for a link by their address."""
    return await store.is_any_asked(uow)


async def answer_requests(uow: UnitOfWork, base_url: str) -> int:
    """Mail sign-in links to up to BATCH of those who asked by an address that is a guest's; how many asked."""
    asked = await store.take_requests(uow, BATCH)
    for space_id, email in asked:
        door = await store.find_door(uow, space_id)
        guest = await store.find_by_email(uow, door.environment_id, email) if door is not None else None
        if door is not None and guest is not None and guest.access_to(space_id) is not None:
            await entry.mail_login(uow, guest, door, base_url, LOGIN_LIFETIME)
    return len(asked)


async def _exchange_token(uow: UnitOfWork, token: str, base_url: str | None) -> Exchanged:
    if token.startswith(entry.LOGIN_PREFIX):
        return await _sign_in(uow, token, base_url)
    if token.startswith(entry.ENTRY_PREFIX):
        found = await entry.find_entry(uow, token)
        return _INVALID if found is None else await _mailed(uow, found[0], found[1].space_id, base_url)
    if token.startswith(auth.GUEST_PREFIX):
        return await _renew(uow, token, base_url)
    return _INVALID


async def _sign_in(uow: UnitOfWork, token: str, base_url: str | None) -> Exchanged:
    """A link that has lapsed or was used is worth a new one, to the guest's own address."""
    link = await store.find_link(uow, uow.keys.fingerprint(token))
    guest = await store.find_guest(uow, link.guest_id) if link is not None else None
    door = await store.find_door(uow, link.space_id) if link is not None else None
    if link is None or guest is None or door is None or guest.access_to(link.space_id) is None:
        return _INVALID
    if MAGIC_LINK not in door.ways or not door.is_open:
        return _INVALID
    if link.expires_at <= uow.now or not await store.spend_link(uow, link):
        return await _mailed(uow, guest, link.space_id, base_url)
    actor = entry.guest_actor(guest)
    await audit.record(
        uow, actor, "guest:sign-in", guest.id, environment_id=guest.environment_id, link=link.id, by=link.kind.value
    )
    return Exchanged(True, await entry.begin_session(uow, guest, ""))


async def _renew(uow: UnitOfWork, token: str, base_url: str | None) -> Exchanged:
    claim = auth.read_guest_token(uow.keys, token)
    guest = await store.find_guest(uow, claim.guest_id) if claim is not None else None
    if claim is None or guest is None or guest.token_generation != claim.generation:
        return _INVALID
    spaces = [each for each in guest.spaces if claim.space_id in {"", each.space_id}]
    if not spaces:
        return _INVALID
    if claim.expires_at <= uow.now or uow.now - claim.began_at >= RENEWED_FOR:
        return await _mailed(uow, guest, spaces[0].space_id, base_url)
    door = await store.find_door(uow, spaces[0].space_id)
    if guest.is_anonymous and (door is None or not _is_shared(door)):
        return _INVALID
    actor = entry.guest_actor(guest)
    await audit.record(uow, actor, "guest:renew", guest.id, environment_id=guest.environment_id)
    return Exchanged(True, await entry.begin_session(uow, guest, claim.space_id, claim.began_at))


async def _mailed(uow: UnitOfWork, guest: Guest, space_id: str, base_url: str | None) -> Exchanged:
    door = await store.find_door(uow, space_id)
    if door is None or base_url is None:
        return _INVALID
    return Exchanged(valid=False, sent_to=await entry.mail_login(uow, guest, door, base_url, LOGIN_LIFETIME))


def _is_shared(door: Door) -> bool:
    return SHARED_LINK in door.ways and door.is_open
