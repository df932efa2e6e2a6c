"""Whether a token still lives, by its id: asked by what a token has opened and left open."""

from __future__ import annotations

from sheetport.features.auth import store
from sheetport.kernel.actor import system_actor
from sheetport.storage.unit_of_work import UnitOfWork

_SYSTEM = system_actor("").token_id
_ENDS = ("deleted_at", "user_disabled_at", "environment_deleted_at", "parent_deleted_at")


async def is_live(uow: UnitOfWork, token_id: str) -> bool:
    """Whether the token that ``Actor.token_id`` names is still accepted."""
    if token_id == _SYSTEM:
        return True
    space_id, dot, generation = token_id.partition(".")
    if dot:
        space = await store.find_space(uow, space_id)
        return space is not None and space["deleted_at"] is None and str(space["token_generation"]) == generation
    row = await store.find_standing(uow, token_id)
    if row is None or (row["expires_at"] is not None and row["expires_at"] <= uow.now):
        return False
    return all(row[name] is None for name in _ENDS)
