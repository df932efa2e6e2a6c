"""When each credential was last used, to the minute, written in batches and never on the way of a request."""

from __future__ import annotations

from sheetport.features.auth import store
from sheetport.kernel.clock import MINUTE
from sheetport.storage.unit_of_work import UnitOfWork


async def flush_last_used(uow: UnitOfWork, used: dict[str, int]) -> None:
    """Write what :meth:`Verifier.take_used` gave. Ids of tokens without a row are passed over."""
    await store.note_used(uow, {credential: at - at % MINUTE for credential, at in sorted(used.items())})
