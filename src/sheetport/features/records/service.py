"""Records of a sheet. Every call that writes is one commit; a write locks the sheet's counters first."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from weakref import WeakValueDictionary

from sheetport.config import QuotaSettings
from sheetport.features.events import service as events
from sheetport.features.quotas import service as quotas
from sheetport.features.records import store
from sheetport.features.records.codec import RecordChange, RecordIds, StoredRow, error_slots, merge_update, size_of
from sheetport.features.records.model import Added, Commit, Counts, FieldCounts, Found, RecordQuery, RecordRow, Scope
from sheetport.features.sheets import service as sheets
from sheetport.features.sheets.model import Sheet
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from sheetport.kernel.ids import new_id, routing_tag
from sheetport.kernel.paging import Page
from sheetport.kernel.permissions import Permission, holds, require
from sheetport.storage.unit_of_work import Database, Row, UnitOfWork

#: The most records of one insert or update, and the most ids of one delete or read.
WRITE_LIMIT = 100_000
IDS_LIMIT = 100
PAGE_LIMIT = 10_000
#: An insert of more is staged where there is one writer; so many are staged in a turn.
STAGED_FROM = 250
_FILTERS = ("valid", "error", "all", "none")


_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


def turn_of(sheet_id: str) -> asyncio.Lock:
    """Held by whoever writes to a sheet: a write of many turns is one write."""
    return _turns.setdefault(sheet_id, asyncio.Lock())


async def get_writable(uow: UnitOfWork, actor: Actor, sheet_id: str) -> Sheet:
    """The sheet whose ``slots`` a body of records is decoded by. Raises NotFound, Forbidden."""
    actor = require(actor, Permission.RECORD_WRITE)
    return await sheets.get_sheet(uow, actor, sheet_id)


async def insert_records(
    uow: UnitOfWork, actor: Actor, before: Sheet, rows: list[StoredRow], limits: QuotaSettings
) -> Found:
    """Append records in order, all or none. ``before`` is the sheet that ``rows`` were decoded by.

    Raises TooLarge when they are more than the environment may hold.
    """
    sheet = await _open_for_insert(uow, actor, before)
    if not rows:
        return Found(sheet, [], Counts(sheet.total, sheet.invalid))
    added = _added(rows)
    await quotas.require_room(uow, sheet.environment_id, limits, added.rows, added.size)
    counter = await _count_inserted(uow, sheet, added)
    first = counter["next_seq"] - added.rows
    made = await store.insert_rows(uow, sheet, rows, first, counter["commit_no"])
    return replace(await _publish(uow, actor, sheet, added, counter, limits), rows=made)


async def insert_staged(
    db: Database,
    actor: Actor,
    before: Sheet,
    pieces: Callable[[Sheet], AsyncGenerator[list[StoredRow], None]],
    limits: QuotaSettings,
) -> Found:
    """:func:`insert_records` over many turns of the one writer, so that others write in between.

    ``pieces`` gives the rows for the sheet as it is found: they get its next numbers, in order. What is staged
    nobody sees, and it is gone after a failure or a crash; the last turn publishes all of it. The rows are not
    given back. Call it within :func:`turn_of`.
    """
    lane, added = before.environment_id, Added()

    async def begin(uow: UnitOfWork) -> tuple[Sheet, int]:
        sheet = await _open_for_insert(uow, actor, before)
        return sheet, (await store.find_head(uow, sheet))[1] + 1

    async def stage(uow: UnitOfWork, rows: list[StoredRow]) -> None:
        await _reopen(uow, actor, before)
        await store.insert_rows(uow, sheet, rows, sheet.next_seq + added.rows, commit_no)

    async def publish(uow: UnitOfWork) -> Found:
        reopened = await _reopen(uow, actor, before)
        if not added.rows:
            return Found(reopened, [], Counts(reopened.total, reopened.invalid))
        counter = await _count_inserted(uow, reopened, added)
        return await _publish(uow, actor, reopened, added, counter, limits)

    sheet, commit_no = await db.write(begin, lane=lane)
    try:
        async with aclosing(pieces(sheet)) as given:
            async for rows in given:
                await db.write(partial(stage, rows=rows), bulk=True, lane=lane)
                added += _added(rows)
        return await db.write(publish, lane=lane)
    except BaseException:
        while await db.write(lambda uow: store.clear_staged(uow, STAGED_FROM, sheet), bulk=True, lane=lane):
            continue
        raise


async def update_records(
    uow: UnitOfWork,
    actor: Actor,
    before: Sheet,
    changes: list[RecordChange],
    commit_id: str | None,
    limits: QuotaSettings,
) -> Commit:
    """Change records by id, all or none; cells that are not given stay.

    A change of values is a new commit that listeners hear of; a change of only messages, metadata or configs is
    none. With ``commit_id`` a listener answers that commit: it is complete, and nobody hears of a new one, or hooks
    would run for ever. Raises NotFound naming unknown ids, Conflict, Forbidden, TooLarge.
    """
    sheet = await _reopen(uow, actor, before)
    answered = None if commit_id is None else await _commit_of(uow, sheet, commit_id)
    if not changes:
        if answered is None:
            raise Invalid("Send at least one record with its id.", "records")
        await _complete(uow, actor, sheet, answered)
        return answered
    wanted = _seqs_of(sheet, [change.id for change in changes])
    if answered is None or not all(answered.holds(seq) for seq in wanted if seq is not None):
        _require_access(actor, sheet, "edit")  # a listener in the browser may finish what its guest may not edit
    counter = await store.advance(uow, sheet, commits=1)
    old = {row.seq: row for row in await store.find_rows(uow, sheet, [seq for seq in wanted if seq is not None])}
    new, changed = _merged(old, wanted, changes, sheet.slots)
    invalid = sum(not row.valid for row in new.values()) - sum(not row.valid for row in old.values())
    more = sum(row.size for row in new.values()) - sum(row.size for row in old.values())
    if new:
        await store.update_rows(uow, sheet, list(new.values()), counter["commit_no"])
        await store.advance(uow, sheet, invalid=invalid, size=more)
    commit = _new_commit(uow, actor, sheet, "update", counter["commit_no"])
    commit = replace(commit, rows=tuple(sorted(changed or new)))
    heard = bool(changed) and answered is None
    await store.insert_commit(uow, commit if heard else _completed(uow, actor, commit))
    if new:
        await _tell(uow, actor, sheet, "records:updated", commit, len(new))
    if heard:
        await _tell_commit(uow, actor, sheet, "commit:created", commit)
    if answered is not None:
        await _complete(uow, actor, sheet, answered)
    await quotas.count_records(uow, sheet.environment_id, limits, 0, more)
    return commit


async def delete_records(uow: UnitOfWork, actor: Actor, sheet_id: str, ids: list[str]) -> int:
    """Delete records by id; how many there were. Ids of no record are passed over; NotFound when all are."""
    sheet = await get_writable(uow, actor, sheet_id)
    _require_access(actor, sheet, "delete")
    if not 1 <= len(ids) <= IDS_LIMIT:
        raise Invalid(f"Name 1 to {IDS_LIMIT} records as ids=…&ids=…, not {len(ids)}.", "ids")
    counter = await store.advance(uow, sheet, commits=1)
    gone, size = await store.delete_rows(uow, sheet, [seq for seq in _seqs_of(sheet, ids) if seq is not None])
    if not gone:
        raise NotFound(f"The sheet has none of these {len(ids)} records.", "ids")
    await store.advance(uow, sheet, total=-len(gone), invalid=-list(gone.values()).count(False), size=-size)
    commit = _new_commit(uow, actor, sheet, "delete", counter["commit_no"])
    await store.insert_commit(uow, _completed(uow, actor, replace(commit, rows=tuple(sorted(gone)))))
    await _tell(uow, actor, sheet, "records:deleted", commit, len(gone))
    await quotas.give_back(uow, sheet.environment_id, len(gone), size)
    return len(gone)


async def read_records(uow: UnitOfWork, actor: Actor, sheet_id: str, query: RecordQuery) -> Found:
    """One page of a sheet's records in the order of their insertion. Raises NotFound, Invalid."""
    actor = require(actor, Permission.RECORD_READ)
    sheet = await sheets.get_sheet(uow, actor, sheet_id)
    _require_readable(sheet, query)
    scope = await _scope(uow, sheet, query)
    rows = await store.find_page(uow, sheet, scope, query.page)
    counts = None
    if query.include_length:
        counts = await store.count(uow, sheet, scope)
    elif query.include_counts:
        counts = Counts(sheet.total, sheet.invalid)
    return Found(sheet, rows, counts, query.commit_id)


async def count_records(uow: UnitOfWork, actor: Actor, sheet_id: str, status: str | None, by_field: bool) -> Counts:
    """How many records a sheet has, of those that the filter ``status`` lets through. Raises NotFound, Invalid."""
    actor = require(actor, Permission.RECORD_READ)
    sheet = await sheets.get_sheet(uow, actor, sheet_id)
    valid = _validity(status)
    total = {None: sheet.total, True: sheet.total - sheet.invalid, False: sheet.invalid}[valid]
    counts = Counts(total, 0 if valid else sheet.invalid)
    if not by_field:
        return counts
    if valid is not None:
        raise Invalid("byField counts every record: leave filter out.", "filter")
    errors, empty = await _errors_by_slot(uow, sheet), await store.count_empty(uow, sheet)
    by_key = {key: FieldCounts(errors[slot], empty[key]) for key, slot in sheet.slots.items()}
    return replace(counts, by_field=by_key)


async def get_commit(uow: UnitOfWork, actor: Actor, commit_id: str) -> Commit:
    """One commit. Raises NotFound."""
    actor = require(actor, Permission.RECORD_READ)
    return (await _reached_commit(uow, actor, commit_id))[0]


async def complete_commit(uow: UnitOfWork, actor: Actor, commit_id: str) -> None:
    """Say that a listener is done with a commit; a second time changes nothing. Raises NotFound."""
    actor = require(actor, Permission.RECORD_WRITE)
    commit, sheet = await _reached_commit(uow, actor, commit_id)
    await _complete(uow, actor, sheet, commit)


# ---- whole sheets, for exports and imports -------------------------------------------------------


async def find_head(uow: UnitOfWork, actor: Actor, sheet: Sheet) -> tuple[int, int]:
    """(number of the newest record so far, number of the newest commit): what has not moved has not changed."""
    actor = require(actor, Permission.RECORD_READ)
    next_seq, commit_no = await store.find_head(uow, sheet)
    return next_seq - 1, commit_no


async def read_block(uow: UnitOfWork, actor: Actor, sheet: Sheet, after: int, last: int, size: int) -> list[RecordRow]:
    """The next ``size`` records behind number ``after``, up to number ``last``, which :func:`find_head` gave: what
    lies behind it may be staged."""
    actor = require(actor, Permission.RECORD_READ)
    scope = Scope(sheet.environment_id, sheet.sheet_no, first=after + 1, last=last)
    return await store.find_page(uow, sheet, scope, Page(1, size))


async def place_rows(uow: UnitOfWork, actor: Actor, environment_id: str, sheet_no: int, rows: list[RecordRow]) -> None:
    """Put records under numbers of their own into an environment that is being made; nothing finds them yet."""
    actor = require(actor, Permission.ENVIRONMENT_CREATE)
    await store.place_rows(uow, environment_id, sheet_no, rows)


async def count_placed(uow: UnitOfWork, actor: Actor, sheet: Sheet, last: int, size: int) -> None:
    """Tell a new sheet's counters of the records placed, ``size`` bytes; ``last`` is the number of the newest."""
    actor = require(actor, Permission.ENVIRONMENT_CREATE)
    await store.advance(uow, sheet, seqs=last, total=sheet.total, invalid=sheet.invalid, size=size)


async def clear_rows(uow: UnitOfWork, environment_id: str, most: int) -> bool:
    """Delete about ``most`` records of an environment that is not to be; False when there are none left."""
    return await store.clear_rows(uow, environment_id, most)


# ---- what a caller may do and means --------------------------------------------------------------


async def _open_for_insert(uow: UnitOfWork, actor: Actor, before: Sheet) -> Sheet:
    """The sheet, if records may be added to it. What a failed insert may have left there is gone afterwards."""
    sheet = await _reopen(uow, actor, before)
    _require_access(actor, sheet, "add")
    while await store.clear_staged(uow, WRITE_LIMIT, sheet):
        continue
    return sheet


def _added(rows: list[StoredRow]) -> Added:
    return Added(len(rows), sum(not row.valid for row in rows), sum(size_of(row.vals, row.ext) for row in rows))


async def _count_inserted(uow: UnitOfWork, sheet: Sheet, added: Added) -> Row:
    """Count rows as published records of the sheet; its counters afterwards."""
    return await store.advance(
        uow, sheet, seqs=added.rows, total=added.rows, invalid=added.invalid, commits=1, size=added.size
    )


async def _publish(
    uow: UnitOfWork, actor: Actor, sheet: Sheet, added: Added, counter: Row, limits: QuotaSettings
) -> Found:
    """Make the newest records of the sheet a commit, and tell of it."""
    commit = _new_commit(uow, actor, sheet, "insert", counter["commit_no"])
    commit = replace(commit, first_seq=counter["next_seq"] - added.rows, last_seq=counter["next_seq"] - 1)
    await store.insert_commit(uow, commit)
    await _tell(uow, actor, sheet, "records:created", commit, added.rows)
    await _tell_commit(uow, actor, sheet, "commit:created", commit)
    await quotas.count_records(uow, sheet.environment_id, limits, added.rows, added.size)
    return Found(sheet, [], Counts(counter["total"], counter["invalid"]), commit.id)


async def _reopen(uow: UnitOfWork, actor: Actor, before: Sheet) -> Sheet:
    """The sheet as it is in this transaction, if records decoded by ``before`` still fit."""
    sheet = await get_writable(uow, actor, before.id)
    if sheet.slots != before.slots:
        raise Conflict("The sheet's fields changed while the records were read: send them again.", "records")
    return sheet


def _require_access(actor: Actor, sheet: Sheet, right: str) -> None:
    """``access``, ``readonly`` and locks bind those who use a sheet; those who may change the sheet manage them."""
    if holds(actor, Permission.SHEET_WRITE, *sheet.place.path):
        return
    access = sheet.config.get("access")
    if sheet.config.get("readonly") or (access is not None and not {"*", right} & set(access)):
        raise Forbidden(f"The sheet gives its users no {right!r} access to its records.", "access")
    if sheet.locked_at is not None:
        raise Conflict("The sheet is locked: unlock it before changing its records.", "sheetId")


def _require_readable(sheet: Sheet, query: RecordQuery) -> None:
    for key in query.fields or ():
        if key not in sheet.slots:
            raise Invalid(f"The sheet has no field {key[:60]!r}; its fields are {', '.join(sheet.slots)}.", "fields")
    if query.include_links and any(str(f.get("type", "")).startswith("reference") for f in sheet.config["fields"]):
        raise Invalid("includeLinks is not supported yet by this version: leave it out.", "includeLinks")


def _validity(status: str | None) -> bool | None:
    if status is not None and status not in _FILTERS:
        raise Invalid(f"filter is {', '.join(_FILTERS)}, not {status[:60]!r}.", "filter")
    return {"valid": True, "error": False}.get(status or "none")


def _seqs_of(sheet: Sheet, ids: list[str]) -> list[int | None]:
    """The row numbers of ids, None for what is no id of this sheet."""
    own = RecordIds(routing_tag(sheet.environment_id), sheet.sheet_no)
    return [own.seq(text) for text in ids]


async def _scope(uow: UnitOfWork, sheet: Sheet, query: RecordQuery) -> Scope:
    if len(query.ids) > IDS_LIMIT:
        raise Invalid(f"Name at most {IDS_LIMIT} records as ids=…, not {len(query.ids)}.", "ids")
    scope = Scope(sheet.environment_id, sheet.sheet_no, _validity(query.filter), last=sheet.next_seq - 1)
    if query.since_commit_id is not None:
        since = await _commit_of(uow, sheet, query.since_commit_id, "sinceCommitId")
        scope = replace(scope, since=since.commit_no)
    named = {seq for seq in _seqs_of(sheet, list(query.ids)) if seq is not None}
    excluding = query.filter in {"valid", "error", "all"}
    if query.ids:
        scope = replace(scope, excluded=frozenset(named)) if excluding else replace(scope, listed=tuple(named))
    if query.commit_id is None:
        return scope
    commit = await _commit_of(uow, sheet, query.commit_id)
    if commit.first_seq is not None and commit.last_seq is not None:
        return replace(scope, first=commit.first_seq, last=commit.last_seq)
    rows = commit.rows or ()
    return replace(scope, listed=rows if scope.listed is None else tuple(named.intersection(rows)))


def _merged(
    old: Mapping[int, RecordRow], wanted: list[int | None], changes: list[RecordChange], slots: Mapping[str, int]
) -> tuple[dict[int, RecordRow], set[int]]:
    """The rows after the changes, and the numbers of those of which a value changed."""
    unknown = [index for index, seq in enumerate(wanted) if seq is None or seq not in old]
    if unknown:
        names = ", ".join(repr(changes[index].id[:60]) for index in unknown[:5])
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise NotFound(f"The sheet has no record {names}{more}; nothing was changed.", f"records[{unknown[0]}].id")
    new: dict[int, RecordRow] = {}
    changed = set()
    for seq, change in zip(wanted, changes, strict=True):
        if seq is None:
            continue
        row = new.get(seq, old[seq])
        stored, differs = merge_update(StoredRow(row.vals, row.ext, row.valid), change, slots)
        new[seq] = RecordRow(seq, *stored, size_of(stored.vals, stored.ext))
        if differs:
            changed.add(seq)
    return new, changed


async def _errors_by_slot(uow: UnitOfWork, sheet: Sheet) -> Counter[int]:
    """How many records have an error in each slot."""
    errors: Counter[int] = Counter()
    after, exts = await store.invalid_exts(uow, sheet, -1)
    while exts:
        for ext in exts:
            errors.update(error_slots(ext))
        after, exts = await store.invalid_exts(uow, sheet, after)
    return errors


# ---- commits -------------------------------------------------------------------------------------


def _new_commit(uow: UnitOfWork, actor: Actor, sheet: Sheet, kind: str, commit_no: int) -> Commit:
    commit_id = new_id("vr", sheet.environment_id)
    return Commit(sheet.environment_id, commit_id, sheet.id, commit_no, kind, actor.id, uow.now)


def _completed(uow: UnitOfWork, actor: Actor, commit: Commit) -> Commit:
    """A commit that nobody has to answer."""
    return replace(commit, completed_by=actor.id, completed_at=uow.now)


async def _commit_of(uow: UnitOfWork, sheet: Sheet, commit_id: str, key: str = "commitId") -> Commit:
    commit = await store.find_commit(uow, commit_id)
    if commit is None or commit.sheet_id != sheet.id:
        raise NotFound(f"The sheet has no commit {commit_id[:60]!r}.", key)
    return commit


async def _reached_commit(uow: UnitOfWork, actor: Actor, commit_id: str) -> tuple[Commit, Sheet]:
    commit = await store.find_commit(uow, commit_id)
    try:
        if commit is not None:
            return commit, await sheets.get_sheet(uow, actor, commit.sheet_id)
    except NotFound:
        pass
    raise NotFound(f"There is no commit {commit_id[:60]!r} that this token can reach.", "commitId")


async def _tracks_changes(uow: UnitOfWork, sheet: Sheet) -> bool:
    return bool((await store.find_settings(uow, sheet)).get("trackChanges"))


async def _complete(uow: UnitOfWork, actor: Actor, sheet: Sheet, commit: Commit) -> None:
    done = await store.complete_commit(uow, commit, actor.id)
    if done and await _tracks_changes(uow, sheet):
        await _tell_commit(uow, actor, sheet, "commit:completed", commit)


async def _tell(uow: UnitOfWork, actor: Actor, sheet: Sheet, topic: str, commit: Commit, count: int) -> None:
    context = {"commitId": commit.id, "versionId": commit.id}
    payload = {"recordCount": count}
    await events.emit(uow, actor, topic, sheet.place, payload, domain="workbook", context=context)


async def _tell_commit(uow: UnitOfWork, actor: Actor, sheet: Sheet, topic: str, commit: Commit) -> None:
    """The event whose ``dataUrl`` a listener reads the commit's records from, and answers it at."""
    await events.emit(
        uow,
        actor,
        topic,
        sheet.place,
        {"trackChanges": await _tracks_changes(uow, sheet)},
        domain="workbook",
        data_url=f"v1/sheets/{sheet.id}/records?commitId={commit.id}",
        context={"commitId": commit.id, "versionId": commit.id},
    )
