"""Records of what is counted first, so that no request costs a record: refusals, and keys used from new places."""

from __future__ import annotations

from collections.abc import Iterable

from sheetport.features.audit import store
from sheetport.features.audit.model import FreshAddress, Refusals
from sheetport.features.audit.service.recording import record_of_address
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.clock import iso
from sheetport.storage.unit_of_work import UnitOfWork

#: From so many places is a credential's use remembered; then nothing is new any more, and one record says so.
MOST_ADDRESSES = 1_000


async def record_refusals(uow: UnitOfWork, counted: Iterable[Refusals]) -> None:
    """One record for each token, address and minute that was refused, with how often."""
    for each in counted:
        actor = each.actor or Actor(ActorKind.SYSTEM, "", each.account_id, each.token, each.environment_id)
        detail = {"count": each.count, "status": each.status, "minute": iso(each.minute)}
        await record_of_address(uow, actor, "request:refused", each.address, each.target, **detail)


async def record_fresh_addresses(uow: UnitOfWork, seen: Iterable[FreshAddress]) -> None:
    """A record for each credential that was used from an address for the first time."""
    for actor, address in seen:
        place = _hashed(uow, actor.token_id, address)
        known = await store.count_addresses(uow, actor.token_id)
        if known > MOST_ADDRESSES or not await store.insert_address(uow, actor.token_id, place):
            continue
        most = {"addresses": "too many to remember"} if known == MOST_ADDRESSES else {}
        await record_of_address(uow, actor, "credential:new-address", address, actor.token_id, **most)


def _hashed(uow: UnitOfWork, credential_id: str, address: str) -> str:
    """An address as it is remembered: told by nobody without the key file."""
    return uow.keys.fingerprint(f"address {credential_id} {address}").hex()[:32]
