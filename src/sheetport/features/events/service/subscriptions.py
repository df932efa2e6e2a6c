"""Subscriptions: tokens that open one channel for a while, and what the channel holds.

``sst_<id>~<environment>~<space>~<account>~<issuer>~<expiry>~<mac><checksum>``: derived, without a row, and never a
bearer token. It dies with its hour, with the token it was given for, and with the space or environment it follows.
"""

from __future__ import annotations

from sheetport.features.events import store
from sheetport.features.events.model import Channel, Event, Grant, Subscription
from sheetport.features.places import service as places
from sheetport.kernel.actor import Actor
from sheetport.kernel.clock import MINUTE
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.errors import Conflict, Invalid
from sheetport.kernel.ids import random_text
from sheetport.kernel.permissions import Permission, require
from sheetport.kernel.tokens import unchecked, with_checksum
from sheetport.storage.unit_of_work import UnitOfWork

PREFIX = "sst_"
MINUTES = 60
MAX_TOKEN = 1_000
_SEPARATOR = "~"
_PURPOSE = "subscription"


async def begin_stream(
    uow: UnitOfWork, actor: Actor, environment_id: str | None, space_id: str | None
) -> tuple[Channel, int]:
    """The channel of an environment or of a space, for a caller who may follow something of it, and its position.

    By default it is what the caller's token is for. Raises NotFound, Conflict for an archived space, and Invalid
    when a caller of many environments names none.
    """
    actor = require(actor, Permission.EVENT_SUBSCRIBE)
    environment_id = environment_id or actor.environment_id
    if environment_id not in {None, actor.environment_id}:
        await places.get_place(uow, actor, environment_id or "", "env", around=True)
    space_id = space_id or actor.space_id
    if space_id is not None:
        place = await places.get_place(uow, actor, space_id, "sp", around=True)
        if environment_id not in {None, place.environment_id}:
            raise places.not_found(space_id, "sp")
        environment_id = place.environment_id
    if environment_id is None:
        raise Invalid("environmentId must say which environment to follow (or spaceId which space).", "environmentId")
    channel = Channel(environment_id, space_id)
    await _require_open(uow, channel, "spaceId")
    return channel, await store.find_newest_position(uow, environment_id)


async def mint_subscription(uow: UnitOfWork, actor: Actor, scope: str | None) -> Subscription:
    """A token to follow ``scope``, an environment's or space's id; by default what the caller's token is for."""
    actor = require(actor, Permission.EVENT_SUBSCRIBE)
    scope = scope or actor.space_id or actor.environment_id
    if scope is None:
        raise Invalid("scope must be the id of the environment or space to follow.", "scope")
    place = await places.find_place(uow, actor, scope, around=True)
    if place is None or place.kind not in {"env", "sp"}:
        raise places.not_found(scope, "sp" if place is None and scope.startswith("us_sp_") else "env")
    channel = Channel(place.environment_id, place.id if place.kind == "sp" else None)
    await _require_open(uow, channel, "scope")
    expires_at = uow.now + MINUTES * MINUTE
    grant = Grant(f"us_lst_{random_text(12)}", channel, place.account_id, actor.issuer, expires_at)
    return Subscription(place.account_id, MINUTES, _token(uow.keys, grant))


def _token(keys: KeyRing, grant: Grant) -> str:
    parts = (
        grant.id,
        grant.channel.environment_id,
        grant.channel.space_id or "",
        grant.account_id,
        grant.issuer,
        str(grant.expires_at),
    )
    return with_checksum(PREFIX + _SEPARATOR.join((*parts, keys.sign(_PURPOSE, *parts))))


def read_subscription_token(keys: KeyRing, token: str) -> Grant | None:
    """The grant of a token whose MAC holds, else None. Expiry and revocation are the caller's to check."""
    if len(token) > MAX_TOKEN or not token.startswith(PREFIX) or not token.isascii():
        return None
    *parts, signature = unchecked(token).removeprefix(PREFIX).split(_SEPARATOR)
    if len(parts) != 6 or not keys.signed(signature, _PURPOSE, *parts):
        return None
    grant_id, environment_id, space_id, account_id, issuer, expires_at = parts
    return Grant(grant_id, Channel(environment_id, space_id or None), account_id, issuer, int(expires_at))


async def _require_open(uow: UnitOfWork, channel: Channel, key: str) -> None:
    if await store.find_generation(uow, channel) is None:
        raise Conflict("This space is archived and has no events to follow; unarchive it first.", key)


async def find_generation(uow: UnitOfWork, channel: Channel) -> int | None:
    """The generation of its account's rights while a channel is open; None once it is archived or deleted.

    While it stays the same, no caller of the account has lost a right.
    """
    return await store.find_generation(uow, channel)


async def find_newest_position(uow: UnitOfWork, environment_id: str) -> int:
    """The position of an environment's newest event, 0 before the first."""
    return await store.find_newest_position(uow, environment_id)


async def find_oldest_position(uow: UnitOfWork, environment_id: str, newest: int) -> int:
    """The position at which an environment's log begins today: behind ``newest`` when nothing of it is left."""
    return await store.find_oldest_position(uow, environment_id) or newest + 1


async def read_channel(uow: UnitOfWork, channel: Channel, after: int, limit: int) -> list[Event]:
    """The first ``limit`` events of a channel behind position ``after``, in order."""
    return await store.list_channel(uow, channel, after, limit)


async def read_events(uow: UnitOfWork, environment_id: str, event_ids: list[str]) -> dict[str, Event]:
    """Those of these events that the log still holds, by id."""
    found = await store.list_by_ids(uow, environment_id, event_ids) if event_ids else []
    return {event.id: event for event in found}
