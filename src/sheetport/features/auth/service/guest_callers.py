"""Which guest a token is of, and what they are let into now."""

from __future__ import annotations

from dataclasses import replace

from sheetport.features.auth import store
from sheetport.features.auth.service.derived import read_guest_token
from sheetport.features.roles import service as roles
from sheetport.kernel.actor import Actor, ActorKind, Grant
from sheetport.kernel.errors import Unauthenticated
from sheetport.kernel.permissions import GUEST_IN_PART, GUEST_IN_SPACE
from sheetport.storage.unit_of_work import Row, Standing, UnitOfWork

#: What a guest's id begins with, and so the token id of a guest.
GUEST_ID = "us_g_"


async def find_guest_caller(uow: UnitOfWork, token: str) -> tuple[Actor, int, Standing]:
    """The guest, when the token expires, and the standing under which that was seen. Raises Unauthenticated."""
    claim = read_guest_token(uow.keys, token)
    if claim is None or claim.expires_at <= uow.now:
        raise Unauthenticated
    row = await store.find_guest(uow, claim.guest_id)
    actor = None if row is None else await _actor(uow, row, claim.guest_id, claim.space_id, claim.generation)
    if actor is None or row is None:
        raise Unauthenticated
    return actor, claim.expires_at, Standing(row["account_id"], row["auth_generation"])


async def find_guest_by_token_id(uow: UnitOfWork, token_id: str) -> Actor | None:
    """The guest whose ``Actor.token_id`` this is, as they are let in now; None when the token holds no more.

    When a guest's token expires, it says itself.
    """
    guest_id, generation, space_id = token_id.split(".")
    row = await store.find_guest(uow, guest_id)
    return None if row is None else await _actor(uow, row, guest_id, space_id, int(generation))


async def _actor(uow: UnitOfWork, row: Row, guest_id: str, space_id: str, generation: int) -> Actor | None:
    if row["token_generation"] != generation:
        return None
    spaces = await store.list_guest_spaces(uow, row["environment_id"], guest_id, space_id)
    if not spaces:
        return None
    grants: list[Grant] = []
    for space, parts in spaces:
        if parts is None:
            grants.append(Grant(GUEST_IN_SPACE, row["environment_id"], space))
        else:
            grants += [Grant(GUEST_IN_PART, row["environment_id"], space, *part) for part in parts]
    grants += _where_let_in(await roles.grants_of(uow, guest_id) or (), {space for space, _ in spaces})
    return Actor(
        kind=ActorKind.GUEST,
        id=guest_id,
        account_id=row["account_id"],
        token_id=f"{guest_id}.{generation}.{space_id}",  # names the generation, so that what it opens ends with it
        environment_id=row["environment_id"],
        space_id=space_id or None,
        grants=tuple(grants),
    )


def _where_let_in(given: tuple[Grant, ...], spaces: set[str]) -> list[Grant]:
    """What roles give in these spaces, and nowhere else: a role lets nobody in. One on the environment is on each."""
    inside = [each for each in given if each.space_id in spaces]
    for each in given:
        if each.space_id is None:
            inside += [replace(each, space_id=space) for space in sorted(spaces)]
    return inside
