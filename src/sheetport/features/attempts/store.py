"""SQL of failed sign-ins."""

from __future__ import annotations

from sqlalchemy import bindparam, case, delete, select
from sqlalchemy.dialects.postgresql import insert

from sheetport.storage.statements import statement
from sheetport.storage.tables.logins import login_failures
from sheetport.storage.unit_of_work import UnitOfWork

_OLD = login_failures.c.since <= bindparam("begins")
_INSERT = insert(login_failures).values(subject=bindparam("subject"), failures=1, since=bindparam("now"))
#: One more, or the first of a new window.
_COUNT = statement(
    _INSERT.on_conflict_do_update(
        index_elements=[login_failures.c.subject],
        set_={
            "failures": case((_OLD, 1), else_=login_failures.c.failures + 1),
            "since": case((_OLD, bindparam("now")), else_=login_failures.c.since),
        },
    )
)
_FORGET = statement(delete(login_failures).where(login_failures.c.subject == bindparam("subject")))
_SWEEP = statement(delete(login_failures).where(login_failures.c.since <= bindparam("before")))


async def list_counts(uow: UnitOfWork, names: list[str]) -> dict[str, tuple[int, int]]:
    """(failures, since when) by subject."""
    rows = await uow.fetch_all(select(login_failures).where(login_failures.c.subject.in_(names)))
    return {row["subject"]: (row["failures"], row["since"]) for row in rows}


async def count(uow: UnitOfWork, name: str, window: int) -> None:
    await uow.execute(_COUNT, {"subject": name, "now": uow.now, "begins": uow.now - window})


async def forget(uow: UnitOfWork, name: str) -> None:
    await uow.execute(_FORGET, {"subject": name})


async def sweep(uow: UnitOfWork, before: int) -> int:
    return await uow.execute(_SWEEP, {"before": before})
