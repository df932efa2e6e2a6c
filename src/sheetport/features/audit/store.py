"""SQL of audit records, their chains and the keys of persons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, or_, select, update

# Its ON CONFLICT reads the same on both databases; a plain insert has none.
from sqlalchemy.dialects.postgresql import insert

from sheetport.features.audit.model import AuditFilter, ChainHead, Checkpoint, Head, Link
from sheetport.kernel.json import loads
from sheetport.storage.statements import statement
from sheetport.storage.tables.audit import (
    audit_addresses,
    audit_checkpoints,
    audit_heads,
    audit_links,
    audit_marks,
    audit_records,
    audit_subjects,
    names,
)
from sheetport.storage.unit_of_work import Row, UnitOfWork

_R, _L, _H, _C, _S = audit_records.c, audit_links.c, audit_heads.c, audit_checkpoints.c, audit_subjects.c

_UNSEALED = statement(
    select(audit_records).where(_R.chain_position.is_(None)).order_by(_R.created_at, _R.id).limit(bindparam("most"))
)
_UNSEALED_AFTER = statement(
    select(audit_records)
    .where(_R.chain_position.is_(None), _R.seq > bindparam("after"))
    .order_by(_R.seq)
    .limit(bindparam("most"))
)
_NEWEST_SEQ = statement(select(func.max(_L.source_seq).label("seq")).where(_L.source_seq.is_not(None)))
_NEWEST_SOURCE = statement(
    select(audit_links).where(_L.source_seq.is_not(None)).order_by(_L.source_seq.desc()).limit(1)
)
_READ_COLUMNS = tuple(name for name in names(audit_records) if name != "seq")
_INSERT_READ = statement(insert(audit_records).values({name: bindparam(name) for name in _READ_COLUMNS}))
_MARK_SEALED = statement(
    update(audit_records)
    .where(_R.environment_id == bindparam("environment"), _R.id == bindparam("record"))
    .values(chain_position=bindparam("at_position"))
)
_INSERT_LINK = statement(insert(audit_links).values({name: bindparam(name) for name in names(audit_links)}))
_LOCK_HEAD = statement(select(audit_heads).where(_H.chain == bindparam("of")).with_for_update())
_START_HEAD = statement(
    insert(audit_heads).values({name: bindparam(name) for name in names(audit_heads)}).on_conflict_do_nothing()
)
_MOVE_HEAD = statement(
    update(audit_heads)
    .where(_H.chain == bindparam("of"))
    .values(
        {
            n: bindparam(f"new_{n}")
            for n in ("position", "hash", "sealed_at", "signature", "checkpoint_position", "checkpoint_at")
        }
    )
)
_HEADS = statement(select(audit_heads).order_by(_H.chain))
_INSERT_CHECKPOINT = statement(
    insert(audit_checkpoints)
    .values({name: bindparam(name) for name in names(audit_checkpoints)})
    .on_conflict_do_nothing()
)
_LINKS = statement(
    select(audit_links)
    .where(_L.chain == bindparam("of"), _L.position > bindparam("after"))
    .order_by(_L.position)
    .limit(bindparam("most"))
)
_LINK = statement(select(audit_links).where(_L.chain == bindparam("of"), _L.position == bindparam("at")))
_CHECKPOINTS = statement(
    select(audit_checkpoints)
    .where(_C.chain == bindparam("of"), _C.position > bindparam("after"))
    .order_by(_C.position)
    .limit(bindparam("most"))
)
_SUBJECT = statement(
    select(audit_subjects).where(_S.account_id == bindparam("account"), _S.subject == bindparam("whose"))
)
_INSERT_SUBJECT = statement(
    insert(audit_subjects).values({name: bindparam(name) for name in names(audit_subjects)}).on_conflict_do_nothing()
)
_ERASE_SUBJECT = statement(
    insert(audit_subjects)
    .values({name: bindparam(name) for name in names(audit_subjects)})
    .on_conflict_do_update(
        index_elements=["account_id", "subject"],
        set_={"nonce": None, "sealed_key": None, "erased_at": bindparam("erased_at")},
    )
)
_INSERT_ADDRESS = statement(
    insert(audit_addresses).values({name: bindparam(name) for name in names(audit_addresses)}).on_conflict_do_nothing()
)
_COUNT_ADDRESSES = statement(
    select(func.count().label("known")).where(audit_addresses.c.credential_id == bindparam("credential"))
)
_PUT_MARK = statement(
    insert(audit_marks)
    .values({name: bindparam(name) for name in names(audit_marks)})
    .on_conflict_do_update(
        index_elements=["chain"],
        set_={name: bindparam(name) for name in ("position", "hash", "marked_at")},
    )
)
_MARKS = statement(select(audit_marks).order_by(audit_marks.c.chain))
#: Records, in the server's own chain, of a roll-back that was found and of somebody's accepting it.
SET_BACK, ACCEPTED = "audit:set-back", "audit:accept"
_NEWEST_FINDING = statement(
    select(_R.action, _R.detail)
    .where(_R.account_id == "", _R.action.in_((SET_BACK, ACCEPTED)))
    .order_by(_R.created_at.desc(), _R.seq.desc(), _R.id.desc())
    .limit(1)
)


async def list_unsealed(uow: UnitOfWork, most: int) -> list[dict[str, Any]]:
    """Records that no chain holds yet, where records and chains lie together, oldest first."""
    return [_mapping(row) for row in await uow.fetch_all(_UNSEALED, {"most": most})]


async def list_unsealed_after(uow: UnitOfWork, seq: int, most: int) -> list[dict[str, Any]]:
    """Records that were committed after the one of this number, in the order of commit."""
    return [_mapping(row) for row in await uow.fetch_all(_UNSEALED_AFTER, {"after": seq, "most": most})]


async def newest_sealed_seq(uow: UnitOfWork) -> int:
    """The number in the order of commit of the newest sealed record; 0 before any."""
    row = await uow.fetch_one(_NEWEST_SEQ)
    return 0 if row is None or row["seq"] is None else int(row["seq"])


async def find_newest_source(uow: UnitOfWork) -> Link | None:
    """The link of the newest sealed record of the main database."""
    row = await uow.fetch_one(_NEWEST_SOURCE)
    return None if row is None else _link(row)


async def lock_heads(uow: UnitOfWork, chains: Iterable[str]) -> dict[str, ChainHead]:
    """The heads of the chains that have begun, kept from other sealers until the commit."""
    rows = [await uow.fetch_one(_LOCK_HEAD, {"of": chain}) for chain in sorted(chains)]
    return {row["chain"]: _chain_head(row) for row in rows if row is not None}


async def start_head(uow: UnitOfWork, found: ChainHead) -> None:
    """Begin a chain, unless another process has meanwhile."""
    await uow.execute(_START_HEAD, _head_row(found))


async def move_heads(uow: UnitOfWork, heads: Iterable[ChainHead]) -> None:
    rows = [
        {f"new_{name}": value for name, value in _head_row(each).items()} | {"of": each.head.chain} for each in heads
    ]
    await uow.execute_many(_MOVE_HEAD, rows)


async def list_heads(uow: UnitOfWork) -> list[ChainHead]:
    """Every chain's head, by name."""
    return [_chain_head(row) for row in await uow.fetch_all(_HEADS)]


async def insert_reads(uow: UnitOfWork, rows: Sequence[dict[str, Any]]) -> None:
    await uow.execute_many(_INSERT_READ, rows)


async def mark_records_sealed(uow: UnitOfWork, links: Iterable[Link], environments: dict[str, str]) -> None:
    """Note at the records themselves that they are sealed; ``environments`` by the records' ids."""
    rows = [
        {"environment": environments[each.record_id], "record": each.record_id, "at_position": each.head.position}
        for each in links
    ]
    await uow.execute_many(_MARK_SEALED, rows)


async def insert_links(uow: UnitOfWork, links: Iterable[Link]) -> None:
    rows = [
        {
            "chain": each.head.chain,
            "position": each.head.position,
            "record_id": each.record_id,
            "digest": each.digest,
            "hash": each.head.hash,
            "source_seq": each.source_seq,
            "sealed_at": each.sealed_at,
        }
        for each in links
    ]
    await uow.execute_many(_INSERT_LINK, rows)


async def insert_checkpoint(uow: UnitOfWork, made: Checkpoint) -> None:
    await uow.execute(_INSERT_CHECKPOINT, _checkpoint_row(made))


async def list_links(uow: UnitOfWork, chain: str, after: int, most: int) -> list[Link]:
    """The links of a chain behind a position, in order."""
    return [_link(row) for row in await uow.fetch_all(_LINKS, {"of": chain, "after": after, "most": most})]


async def find_link(uow: UnitOfWork, chain: str, position: int) -> Link | None:
    row = await uow.fetch_one(_LINK, {"of": chain, "at": position})
    return None if row is None else _link(row)


async def list_checkpoints(uow: UnitOfWork, chain: str, after: int, most: int) -> list[Checkpoint]:
    """The kept checkpoints of a chain behind a position, in order."""
    rows = await uow.fetch_all(_CHECKPOINTS, {"of": chain, "after": after, "most": most})
    return [_checkpoint(row) for row in rows]


async def list_account_checkpoints(uow: UnitOfWork, account_id: str, offset: int, most: int) -> list[Checkpoint]:
    """An account's kept checkpoints, newest first."""
    query = select(audit_checkpoints).where(_C.account_id == account_id)
    query = query.order_by(_C.sealed_at.desc(), _C.chain, _C.position.desc()).offset(offset).limit(most)
    return [_checkpoint(row) for row in await uow.fetch_all(query)]


async def count_account_checkpoints(uow: UnitOfWork, account_id: str) -> int:
    query = select(func.count().label("found")).select_from(audit_checkpoints).where(_C.account_id == account_id)
    row = await uow.fetch_one(query)
    return 0 if row is None else int(row["found"])


async def find_records(uow: UnitOfWork, chain: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The rows of these records of a chain, by id."""
    query = select(audit_records).where(_R.environment_id.in_(("", chain)), _R.id.in_(ids))
    return {row["id"]: _mapping(row) for row in await uow.fetch_all(query)}


async def count_sealed(uow: UnitOfWork, newest_seq: int) -> int:
    """How many records stand here as sealed: by their place in a chain, or by their order of commit."""
    query = select(func.count().label("found")).select_from(audit_records)
    row = await uow.fetch_one(query.where(or_(_R.chain_position.is_not(None), _R.seq <= newest_seq)))
    return 0 if row is None else int(row["found"])


async def list_records(uow: UnitOfWork, account_id: str, chosen: AuditFilter, most: int) -> list[dict[str, Any]]:
    """The newest rows of an account that a filter lets through."""
    query = _filtered(select(audit_records), account_id, chosen)
    query = query.order_by(_R.created_at.desc(), _R.id.desc()).limit(most)
    return [_mapping(row) for row in await uow.fetch_all(query)]


async def count_records(uow: UnitOfWork, account_id: str, chosen: AuditFilter) -> int:
    query = _filtered(select(func.count().label("found")).select_from(audit_records), account_id, chosen)
    row = await uow.fetch_one(query)
    return 0 if row is None else int(row["found"])


async def find_subject(uow: UnitOfWork, account_id: str, subject: str) -> Row | None:
    """The row of a person's key."""
    return await uow.fetch_one(_SUBJECT, {"account": account_id, "whose": subject})


async def insert_subject(uow: UnitOfWork, account_id: str, subject: str, nonce: bytes, sealed_key: bytes) -> None:
    """Add a person's sealed key, unless another process has meanwhile."""
    row = {"account_id": account_id, "subject": subject, "nonce": nonce, "sealed_key": sealed_key}
    await uow.execute(_INSERT_SUBJECT, row | {"created_at": uow.now, "erased_at": None})


async def erase_subject(uow: UnitOfWork, account_id: str, subject: str) -> None:
    """Delete a person's key for good, and have none made again."""
    row = {"account_id": account_id, "subject": subject, "nonce": None, "sealed_key": None}
    await uow.execute(_ERASE_SUBJECT, row | {"created_at": uow.now, "erased_at": uow.now})


async def insert_address(uow: UnitOfWork, credential_id: str, address: str) -> bool:
    """Note from where a credential is used; whether that is new."""
    row = {"credential_id": credential_id, "address": address, "first_seen_at": uow.now}
    return await uow.execute(_INSERT_ADDRESS, row) == 1


async def count_addresses(uow: UnitOfWork, credential_id: str) -> int:
    row = await uow.fetch_one(_COUNT_ADDRESSES, {"credential": credential_id})
    return 0 if row is None else int(row["known"])


async def find_set_back(uow: UnitOfWork) -> str | None:
    """What was found to have been set back and nobody has accepted."""
    row = await uow.fetch_one(_NEWEST_FINDING)
    return None if row is None or row["action"] == ACCEPTED else str(loads(row["detail"])["reason"])


async def has_accepted(uow: UnitOfWork) -> bool:
    """Whether the newest finding of a roll-back was accepted."""
    row = await uow.fetch_one(_NEWEST_FINDING)
    return row is not None and row["action"] == ACCEPTED


async def put_marks(uow: UnitOfWork, heads: Iterable[Head]) -> None:
    """Remember how far chains have come."""
    rows = [{"chain": each.chain, "position": each.position, "hash": each.hash} for each in heads]
    await uow.execute_many(_PUT_MARK, [row | {"marked_at": uow.now} for row in rows])


async def forget_marks(uow: UnitOfWork) -> None:
    await uow.execute(delete(audit_marks))


async def list_marks(uow: UnitOfWork) -> list[Head]:
    """What is remembered of the chains."""
    return [Head(row["chain"], row["position"], bytes(row["hash"])) for row in await uow.fetch_all(_MARKS)]


async def set_base(uow: UnitOfWork, chain: str, position: int) -> None:
    """Have a chain begin behind a position."""
    await uow.execute(update(audit_heads).where(_H.chain == chain).values(base_position=position))


async def delete_links(uow: UnitOfWork, chain: str, position: int) -> None:
    """Delete the links of a chain up to a position."""
    await uow.execute(delete(audit_links).where(_L.chain == chain, _L.position <= position))


async def forget_checkpoints(uow: UnitOfWork, chain: str, position: int) -> None:
    """Delete the kept checkpoints before a position."""
    await uow.execute(delete(audit_checkpoints).where(_C.chain == chain, _C.position < position))


async def find_checkpoint_before(uow: UnitOfWork, chain: str, after: int, before: int) -> Checkpoint | None:
    """The newest kept checkpoint of a chain behind a position and signed before a moment."""
    query = select(audit_checkpoints).where(_C.chain == chain, _C.position > after, _C.sealed_at < before)
    row = await uow.fetch_one(query.order_by(_C.position.desc()).limit(1))
    return None if row is None else _checkpoint(row)


async def delete_records(uow: UnitOfWork, chain: str, ids: Sequence[str]) -> None:
    await uow.execute(delete(audit_records).where(_R.environment_id.in_(("", chain)), _R.id.in_(ids)))


def _filtered(query: Select[Any], account_id: str, chosen: AuditFilter) -> Select[Any]:
    wanted: list[ColumnElement[bool]] = [_R.account_id == account_id]
    for column, value in (
        (_R.actor_id, chosen.actor_id),
        (_R.target, chosen.target),
        (_R.environment_id, chosen.environment_id),
    ):
        if value is not None:
            wanted.append(column == value)
    if chosen.action is not None:
        wanted.append(_R.action == chosen.action if ":" in chosen.action else _R.action.startswith(f"{chosen.action}:"))
    if chosen.since is not None:
        wanted.append(_R.created_at >= chosen.since)
    if chosen.until is not None:
        wanted.append(_R.created_at < chosen.until)
    return query.where(*wanted)


def _head_row(found: ChainHead) -> dict[str, Any]:
    return _checkpoint_row(found.checkpoint) | {
        "base_position": found.base_position,
        "checkpoint_position": found.checkpoint_position,
        "checkpoint_at": found.checkpoint_at,
    }


def _checkpoint_row(made: Checkpoint) -> dict[str, Any]:
    return {
        "chain": made.head.chain,
        "position": made.head.position,
        "account_id": made.account_id,
        "hash": made.head.hash,
        "sealed_at": made.sealed_at,
        "signature": made.signature,
    }


def _checkpoint(row: Row) -> Checkpoint:
    head = Head(row["chain"], row["position"], bytes(row["hash"]))
    return Checkpoint(head, row["account_id"], row["sealed_at"], bytes(row["signature"]))


def _chain_head(row: Row) -> ChainHead:
    return ChainHead(_checkpoint(row), row["base_position"], row["checkpoint_position"], row["checkpoint_at"])


def _link(row: Row) -> Link:
    head = Head(row["chain"], row["position"], bytes(row["hash"]))
    return Link(head, row["record_id"], bytes(row["digest"]), row["source_seq"], row["sealed_at"])


def _mapping(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in names(audit_records)}
