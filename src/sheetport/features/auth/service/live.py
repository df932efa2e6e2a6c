"""Whether a token lives, by its id, and what it may follow: asked by what a token has opened and left open."""

from __future__ import annotations

from sheetport.features.auth import store
from sheetport.features.auth.service.actors import actor_of
from sheetport.features.events.model import Issuer
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.permissions import Permission, may, require
from sheetport.storage.unit_of_work import UnitOfWork

_SYSTEM = system_actor("").token_id
_ENDS = ("deleted_at", "user_disabled_at", "environment_deleted_at", "parent_deleted_at")
NEVER = 2**62
ENDED = Issuer(0)


async def find_issuer(uow: UnitOfWork, token_id: str) -> Issuer:
    """When the token that ``Actor.issuer`` names expires by itself, and whose it is; ENDED if it is not accepted now.

    A space's token says itself when it expires: here only its end by other means is seen.
    """
    if token_id == _SYSTEM:
        return Issuer(NEVER)
    space_id, dot, generation = token_id.partition(".")
    if dot:
        space = await store.find_space(uow, space_id)
        lives = space is not None and space["deleted_at"] is None and str(space["token_generation"]) == generation
        return Issuer(NEVER) if lives else ENDED
    row = await store.find_standing(uow, token_id.partition("@")[0])
    if row is None or any(row[name] is not None for name in _ENDS):
        return ENDED
    actor = await actor_of(uow, row)
    if actor.issuer != token_id or not may(actor, Permission.EVENT_SUBSCRIBE):
        return ENDED
    return Issuer(NEVER if row["expires_at"] is None else int(row["expires_at"]), _narrowed(actor))


def _narrowed(actor: Actor) -> Actor | None:
    """The caller as its events are chosen for it; None when it gets all of what it follows."""
    actor = require(actor, Permission.EVENT_SUBSCRIBE)
    everywhere = actor.grants is None or actor.is_granted(Permission.EVENT_SUBSCRIBE, ())
    return None if everywhere else actor
