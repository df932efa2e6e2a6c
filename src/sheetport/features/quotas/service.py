"""Quotas of environments. A write counts here last, after its sheet's own counters: that is the order of locks."""

from __future__ import annotations

from collections.abc import Mapping

from sheetport.config import QuotaSettings
from sheetport.features.audit import service as audit
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.features.quotas import store
from sheetport.features.quotas.model import Drift, Quota, Used
from sheetport.kernel.actor import Actor
from sheetport.kernel.clock import DAY, SECOND
from sheetport.kernel.errors import Invalid, TooLarge, TooMany
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

#: What a limit may be at most: more than any server holds, and a number that both databases can.
MAX_LIMIT = 2**60
#: From here on, room is looked for before records are written and not only when they are counted.
LARGE = 1_000


async def open_counts(uow: UnitOfWork, environment_id: str) -> None:
    """Begin to count for a new environment."""
    await store.open_counts(uow, environment_id)


async def count_records(uow: UnitOfWork, environment_id: str, limits: QuotaSettings, rows: int, size: int) -> None:
    """Count ``rows`` more records and ``size`` more bytes (fewer, if negative), as the last thing a write does.

    Only what grows is refused: an environment that is over a limit can be emptied. Raises TooLarge.
    """
    if rows == 0 and size == 0:
        return
    row = await store.add(uow, environment_id, rows, size)
    _refuse_over(environment_id, Quota.ROWS, _limit(row["rows_limit"], limits.rows), row["rows"] - rows, rows)
    _refuse_over(environment_id, Quota.BYTES, _limit(row["bytes_limit"], limits.bytes), row["bytes"] - size, size)


async def give_back(uow: UnitOfWork, environment_id: str, rows: int, size: int) -> None:
    """Count ``rows`` fewer records and ``size`` fewer bytes, as the last thing a write does."""
    await store.add(uow, environment_id, -rows, -size)


async def require_room(uow: UnitOfWork, environment_id: str, limits: QuotaSettings, rows: int, size: int) -> None:
    """Refuse a large write before it is done; :func:`count_records` decides. Raises TooLarge."""
    if rows < LARGE:
        return
    row = await store.find(uow, environment_id)
    _refuse_over(environment_id, Quota.ROWS, _limit(row["rows_limit"], limits.rows), row["rows"], rows)
    _refuse_over(environment_id, Quota.BYTES, _limit(row["bytes_limit"], limits.bytes), row["bytes"], size)


async def release(uow: UnitOfWork, gone: list[Place]) -> None:
    """Give back what lies in sheets, workbooks, spaces or an environment that are being deleted.

    Their sheets take no more records from now on; those that they have are swept later.
    """
    for environment_id in sorted({place.environment_id for place in gone}):
        freed = [
            await store.drop_sheets(uow, environment_id, place.kind, place.id)
            for place in sorted(gone, key=lambda place: place.id)
            if place.environment_id == environment_id
        ]
        rows, size = sum(rows for rows, _ in freed), sum(size for _, size in freed)
        if rows or size:
            await give_back(uow, environment_id, rows, size)


async def lock_gone_sheet(uow: UnitOfWork) -> tuple[str, int] | None:
    """(environment id, sheet number) of a deleted sheet whose records are still there, None when there is none."""
    return await store.lock_gone_sheet(uow)


async def forget_gone_sheet(uow: UnitOfWork, environment_id: str, sheet_no: int) -> None:
    """A deleted sheet has no records any more."""
    await store.forget_gone_sheet(uow, environment_id, sheet_no)


async def count_space(uow: UnitOfWork, environment_id: str, limits: QuotaSettings) -> None:
    """Count a space made by a publishable key today (UTC). Raises TooMany until tomorrow."""
    row = await store.count_space(uow, environment_id, uow.now // DAY)
    limit = _limit(row["spaces_limit"], limits.spaces_a_day)
    if row["spaces_made"] > limit:
        raise TooMany(
            f"Publishable keys have made {limit:,} spaces in this environment today, which is its limit"
            f" ({Quota.SPACES}). It takes more tomorrow (UTC), or when {_raised(environment_id, Quota.SPACES)}.",
            Quota.SPACES,
            retry_after=-(-(DAY - uow.now % DAY) // SECOND),
        )


async def list_stream_limits(uow: UnitOfWork) -> dict[str, int]:
    """How many streams may be open at a time in each server process, by the environments with limits of their own."""
    return await store.list_stream_limits(uow)


def too_many_streams(environment_id: str, limit: int) -> TooMany:
    """The refusal of one stream more than may be open."""
    return TooMany(
        f"This environment has {limit:,} streams open, which is its limit ({Quota.STREAMS}). Close some, or wait until"
        f" {_raised(environment_id, Quota.STREAMS)}.",
        Quota.STREAMS,
        retry_after=10,
    )


async def list_quotas(uow: UnitOfWork, actor: Actor, environment_id: str, limits: QuotaSettings) -> list[Used]:
    """Every quota of an environment. Raises NotFound."""
    actor = require(actor, Permission.ENVIRONMENT_READ)
    await places.get_place(uow, actor, environment_id, "env")
    row = await store.find(uow, environment_id)
    made = row["spaces_made"] if row["day"] == uow.now // DAY else 0
    used = {Quota.ROWS: row["rows"], Quota.BYTES: row["bytes"], Quota.SPACES: made, Quota.STREAMS: None}
    shared = {
        Quota.ROWS: limits.rows,
        Quota.BYTES: limits.bytes,
        Quota.SPACES: limits.spaces_a_day,
        Quota.STREAMS: limits.streams,
    }
    own = {quota: row[column] for quota, column in store.LIMITS.items()}
    return [Used(quota, used[quota], _limit(own[quota], shared[quota]), own[quota] is not None) for quota in Quota]


async def set_limits(uow: UnitOfWork, actor: Actor, environment_id: str, changes: Mapping[str, int | None]) -> None:
    """Give an environment limits of its own; None gives one back to the server's settings. Raises Invalid, NotFound."""
    actor = require(actor, Permission.ACCOUNT_WRITE)
    await places.get_place(uow, actor, environment_id, "env")
    for name, limit in changes.items():
        if name not in set(Quota):
            raise Invalid(f"There is no limit {name[:60]!r}; there are {', '.join(Quota)}.", "limits")
        if limit is not None and not 0 <= limit <= MAX_LIMIT:
            raise Invalid(f"{name} is a whole number from 0 to {MAX_LIMIT:,}.", "limits")
        await store.set_limit(uow, environment_id, Quota(name), limit)
    await audit.record(
        uow, actor, "environment:limits", environment_id, environment_id=environment_id, limits=dict(changes)
    )


async def find_drift(uow: UnitOfWork) -> list[Drift]:
    """What is counted otherwise than it is stored, in every environment; for the server's own machine."""
    return await store.find_drift(uow)


async def mend(uow: UnitOfWork) -> list[Drift]:
    """Count everything anew; what was wrong. No records are written meanwhile."""
    found = await store.find_drift(uow)
    if found:
        await store.mend(uow)
    return found


def _limit(own: int | None, shared: int) -> int:
    return shared if own is None else own


def _refuse_over(environment_id: str, quota: Quota, limit: int, used: int, more: int) -> None:
    if more > 0 and used + more > limit:
        raise TooLarge(
            f"This environment may hold {limit:,} {quota}; it holds {used:,} and this call would add {more:,}."
            f" Delete some, or wait until {_raised(environment_id, quota)}.",
            quota,
        )


def _raised(environment_id: str, quota: Quota) -> str:
    return f"an administrator raises it: sheetport env limits {environment_id} --set {quota}=NUMBER"
