"""How old keys and tokens may become: the account's own number of days, else the server's, else any."""

from __future__ import annotations

from sheetport.features.accounts import service as accounts
from sheetport.kernel.clock import DAY, iso
from sheetport.kernel.errors import Invalid
from sheetport.storage.unit_of_work import UnitOfWork


async def max_age(uow: UnitOfWork, account_id: str, server_days: int | None) -> int | None:
    """How old, in milliseconds, keys of the account may become; None is any age."""
    own = await accounts.find_key_max_age(uow, account_id)
    days = server_days if own is None else own
    return days * DAY if days else None


async def latest_end(uow: UnitOfWork, account_id: str, server_days: int | None, wanted: int | None) -> int | None:
    """When a credential that is made now has to end: as ``wanted``, but no later than the policy says."""
    longest = await max_age(uow, account_id, server_days)
    if longest is None:
        return wanted
    return min(uow.now + longest, wanted) if wanted is not None else uow.now + longest


async def chosen_end(uow: UnitOfWork, account_id: str, server_days: int | None, wanted: int | None) -> int | None:
    """:func:`latest_end` for an end that somebody chose. Raises Invalid for one in the past or beyond the policy."""
    if wanted is not None and wanted <= uow.now:
        raise Invalid("expiresAt must be in the future.", "expiresAt")
    end = await latest_end(uow, account_id, server_days, wanted)
    if wanted is not None and end is not None and end < wanted:
        raise Invalid(f"expiresAt may be {iso(end)} at the latest: that is how old keys may become here.", "expiresAt")
    return end
