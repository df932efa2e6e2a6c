"""SQL of marks that processes share."""

from __future__ import annotations

from sqlalchemy import BigInteger, BindParameter, bindparam, case, delete, type_coerce
from sqlalchemy.dialects.postgresql import insert

from sheetport.storage.statements import statement
from sheetport.storage.tables.rates import rate_marks
from sheetport.storage.unit_of_work import UnitOfWork

_columns = rate_marks.c


def _number(name: str) -> BindParameter[int]:
    return bindparam(name, type_=BigInteger)


_base = case((_columns.mark > _number("at"), _columns.mark), else_=_number("at"))
#: How many calls still fit, rounded down: all are whole numbers.
_fit = type_coerce((_number("span") - (_base - _number("at"))) // _number("each"), BigInteger)
_granted = case((_fit < _number("cost"), 0), (_fit < _number("chunk"), _fit), else_=_number("chunk"))
_TAKE = statement(
    insert(rate_marks)
    .values(bucket=bindparam("bucket"), key=bindparam("key"), mark=_number("first"), granted=_number("chunk"))
    .on_conflict_do_update(
        index_elements=[_columns.bucket, _columns.key],
        set_={"mark": _base + _granted * _number("each"), "granted": _granted},
    )
    .returning(_columns.mark, _columns.granted)
)
_SWEEP = statement(delete(rate_marks).where(_columns.mark < bindparam("before", type_=BigInteger)))


async def take(
    uow: UnitOfWork, bucket: str, key: str, *, each: int, span: int, cost: int, chunk: int
) -> tuple[int, int]:
    """Take ``chunk`` calls, or fewer down to ``cost``, or none: how many, and microseconds until the bucket is full.

    ``each`` and ``span`` are microseconds: of one call, and of all.
    """
    at = uow.now * 1_000
    numbers = {"at": at, "each": each, "span": span, "cost": cost, "chunk": chunk, "first": at + chunk * each}
    row = await uow.fetch_one(_TAKE, {"bucket": bucket, "key": key, **numbers})
    if row is None:
        raise LookupError("an upsert has returned nothing")
    return int(row["granted"]), int(row["mark"]) - at


async def sweep(uow: UnitOfWork) -> int:
    """Delete the marks of full buckets; how many there were."""
    return await uow.execute(_SWEEP, {"before": uow.now * 1_000})
