"""Whether a token lives, by its id, and what it may follow: asked by what a token has opened and left open."""

from __future__ import annotations

from sheetport.features.auth import store
from sheetport.features.auth.service.actors import NEVER, caller_of
from sheetport.features.auth.service.guest_callers import GUEST_ID, find_guest_by_token_id
from sheetport.features.events.model import Issuer
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.errors import Unauthenticated
from sheetport.kernel.permissions import Permission, may, require
from sheetport.storage.unit_of_work import UnitOfWork

_SYSTEM = system_actor("").token_id
ENDED = Issuer(0)


async def find_issuer(uow: UnitOfWork, token_id: str) -> Issuer:
    """When the token that ``Actor.issuer`` names expires by itself, and whose it is; ENDED if it is not accepted now.

    A space's or a guest's token says itself when it expires: here only its end by other means is seen.
    """
    if token_id == _SYSTEM:
        return Issuer(NEVER)
    if token_id.startswith(GUEST_ID):
        guest = await find_guest_by_token_id(uow, token_id)
        return ENDED if guest is None else Issuer(NEVER, _narrowed(guest))
    space_id, dot, generation = token_id.partition(".")
    if dot:
        space = await store.find_space(uow, space_id)
        lives = space is not None and space["deleted_at"] is None and str(space["token_generation"]) == generation
        return Issuer(NEVER) if lives else ENDED
    row = await store.find_standing(uow, token_id.partition("@")[0])
    try:
        actor, expires_at = await caller_of(uow, row) if row is not None else (None, 0)
    except Unauthenticated:
        return ENDED
    if actor is None or actor.issuer != token_id or not may(actor, Permission.EVENT_SUBSCRIBE):
        return ENDED
    return Issuer(expires_at, _narrowed(actor))


async def is_live(uow: UnitOfWork, credential_id: str) -> bool:
    """Whether the token with this id is accepted now."""
    row = await store.find_standing(uow, credential_id)
    try:
        return row is not None and (await caller_of(uow, row))[1] > uow.now
    except Unauthenticated:
        return False


def _narrowed(actor: Actor) -> Actor | None:
    """The caller as its events are chosen for it; None when it gets all of what it follows."""
    actor = require(actor, Permission.EVENT_SUBSCRIBE)
    everywhere = actor.grants is None or actor.is_granted(Permission.EVENT_SUBSCRIBE, ())
    return None if everywhere else actor
