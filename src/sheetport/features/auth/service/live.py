"""How long a token lives, by its id: asked by what a token has opened and left open."""

from __future__ import annotations

from sheetport.features.auth import store
from sheetport.kernel.actor import system_actor
from sheetport.storage.unit_of_work import UnitOfWork

_SYSTEM = system_actor("").token_id
_ENDS = ("deleted_at", "user_disabled_at", "environment_deleted_at", "parent_deleted_at")
NEVER = 2**62
ENDED = 0


async def ends_at(uow: UnitOfWork, token_id: str) -> int:
    """When the token that ``Actor.token_id`` names expires by itself: milliseconds; ENDED if it is not accepted now.

    A space's token says itself when it expires: here only its end by other means is seen.
    """
    if token_id == _SYSTEM:
        return NEVER
    space_id, dot, generation = token_id.partition(".")
    if dot:
        space = await store.find_space(uow, space_id)
        lives = space is not None and space["deleted_at"] is None and str(space["token_generation"]) == generation
        return NEVER if lives else ENDED
    row = await store.find_standing(uow, token_id)
    if row is None or any(row[name] is not None for name in _ENDS):
        return ENDED
    return NEVER if row["expires_at"] is None else int(row["expires_at"])
