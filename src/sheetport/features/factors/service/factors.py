"""All the factors of a user."""

from __future__ import annotations

from sheetport.features.audit import service as audit
from sheetport.features.factors import store
from sheetport.features.factors.model import Factors
from sheetport.kernel.actor import Actor
from sheetport.storage.unit_of_work import UnitOfWork


async def find_factors(uow: UnitOfWork, user_id: str) -> Factors:
    """What the user has beside a password."""
    totp = await store.find_totp(uow, user_id)
    confirmed = totp is not None and totp.confirmed_at is not None
    return Factors(confirmed, await store.count_codes(uow, user_id), await store.list_passkeys(uow, user_id))


async def forget_factors(uow: UnitOfWork, actor: Actor, user_id: str) -> None:
    """Take everything but the password from a user who has lost it, on an administrator's word."""
    await store.delete_totp(uow, user_id)
    await store.delete_codes(uow, user_id)
    await store.delete_passkeys(uow, user_id)
    await audit.record(uow, actor, "factor:forget", user_id)


async def forget_idle_codes(uow: UnitOfWork, user_id: str) -> None:
    """Recovery codes stand in for a factor: without one they go too."""
    if not (await find_factors(uow, user_id)).any:
        await store.delete_codes(uow, user_id)
