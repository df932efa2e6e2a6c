"""What administrators see of the log: records of writes and of reads in one list, newest first."""

from __future__ import annotations

from typing import Any

from sheetport.features.audit import store
from sheetport.features.audit.model import AuditFilter, AuditRecord, Checkpoint
from sheetport.features.audit.service import personal
from sheetport.kernel.actor import Actor
from sheetport.kernel.crypto import DecryptionError
from sheetport.kernel.errors import Invalid
from sheetport.kernel.json import loads
from sheetport.kernel.paging import Page, Paged
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import Database, UnitOfWork

#: How far back a list goes page by page; an export has all of it.
FARTHEST = 10_000


async def list_records(db: Database, actor: Actor, chosen: AuditFilter, page: Page) -> Paged[AuditRecord]:
    """A page of the account's records, newest first. Takes the database: the log may lie in two files.

    Raises Invalid for a page too far back.
    """
    actor = require(actor, Permission.AUDIT_READ)
    most = page.offset + page.size
    if most > FARTHEST:
        raise Invalid(
            f"The list goes back {FARTHEST:,} records: narrow it by since and until, or export.", "pageNumber"
        )
    rows: list[dict[str, Any]] = []
    total = 0
    for place in dict.fromkeys((db, db.log)):
        rows += await place.read(lambda uow: store.list_records(uow, actor.account_id, chosen, most), heavy=True)
        total += await place.read(lambda uow: store.count_records(uow, actor.account_id, chosen), heavy=True)
    rows.sort(key=lambda row: (row["created_at"], row["id"]), reverse=True)
    shown = rows[page.offset : most]
    return Paged(await db.read(lambda uow: _opened(uow, shown)), page, total)


async def list_checkpoints(uow: UnitOfWork, actor: Actor, page: Page) -> Paged[Checkpoint]:
    """The kept checkpoints of the account's chains, newest first, in a unit of work of the log."""
    actor = require(actor, Permission.AUDIT_READ)
    found = await store.list_account_checkpoints(uow, actor.account_id, page.offset, page.size)
    return Paged(found, page, await store.count_account_checkpoints(uow, actor.account_id))


async def _opened(uow: UnitOfWork, rows: list[dict[str, Any]]) -> list[AuditRecord]:
    keys: dict[str, bytes | None] = {}
    made = []
    for row in rows:
        subject = row["subject"]
        if row["personal"] is not None and subject not in keys:
            keys[subject] = await personal.find_key(uow, row["account_id"], subject)
        values = _values(row, keys.get(subject))
        named = {name: row[name] for name in _PLAIN}
        detail = loads(row["detail"]) if row["detail"] else {}
        made.append(AuditRecord(**named, detail=detail, personal=values))
    return made


def _values(row: dict[str, Any], key: bytes | None) -> dict[str, str]:
    try:
        return {each.name: each.value for each in personal.opened(row, key)}
    except DecryptionError:  # altered, which verifying tells
        return {}


_PLAIN = (
    "id",
    "account_id",
    "environment_id",
    "actor_kind",
    "actor_id",
    "token_id",
    "action",
    "target",
    "created_at",
    "request_id",
    "agent",
)
