"""What a restore does to credentials: some of those that come back were ended after the backup."""

from __future__ import annotations

from sheetport.features.auth import store
from sheetport.features.auth.model import Credential
from sheetport.storage.unit_of_work import UnitOfWork


async def end_passing(uow: UnitOfWork) -> int:
    """End every credential that is only for a while, of all accounts: sign-ins, page sessions, commands' keys.

    Returns how many. Called by a restore only, before the server runs.
    """
    return await store.end_passing(uow)


async def list_lasting(uow: UnitOfWork, account_id: str) -> list[Credential]:
    """An account's live keys, tokens and client credentials, oldest first: what somebody has to look through."""
    return await store.list_lasting(uow, account_id)
