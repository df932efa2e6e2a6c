"""SQL of each environment's root: what its sealed rows add up to."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import bindparam, select, update

# Its ON CONFLICT DO NOTHING reads the same on both databases; a plain insert has none.
from sqlalchemy.dialects.postgresql import insert

from sheetport.features.secrets.model import Entry, Root
from sheetport.features.secrets.store.changes import MODULUS, take, weigh_entry, weigh_key, weigh_version
from sheetport.features.secrets.store.data_keys import list_data_keys
from sheetport.features.secrets.store.entries import all_entries
from sheetport.features.secrets.store.versions import version_of
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import environments
from sheetport.storage.tables.secrets import secret_roots, secret_versions, secrets
from sheetport.storage.unit_of_work import Row, UnitOfWork

_COLUMNS = tuple(column.name for column in secret_roots.columns)
_ONE = select(secret_roots).where(secret_roots.c.environment_id == bindparam("environment"))
_FIND = statement(_ONE)
_LOCK = statement(_ONE.with_for_update())
_INSERT = statement(insert(secret_roots).values({name: bindparam(name) for name in _COLUMNS}).on_conflict_do_nothing())
_UPDATE = statement(
    update(secret_roots)
    .where(secret_roots.c.environment_id == bindparam("environment"))
    .values(sequence=bindparam("new_sequence"), total=bindparam("new_total"), mac=bindparam("new_mac"))
)
_ENTRIES = statement(select(secrets).where(secrets.c.environment_id == bindparam("environment")))
_VERSIONS = statement(select(secret_versions).where(secret_versions.c.environment_id == bindparam("environment")))
_ENVIRONMENTS = statement(
    select(secret_roots.c.environment_id, environments.c.account_id)
    .join(environments, environments.c.id == secret_roots.c.environment_id)
    .order_by(secret_roots.c.environment_id)
)


async def lock_root(uow: UnitOfWork, environment_id: str) -> Root:
    """The root, kept from other writers of the environment's sealed rows until the commit: they lock it first too.

    An environment's first is made of what is there.
    """
    row = await uow.fetch_one(_LOCK, {"environment": environment_id})
    if row is None:
        total = await sum_rows(uow, environment_id)
        await uow.execute(_INSERT, _row(uow, environment_id, 0, total))
        row = await uow.fetch_one(_LOCK, {"environment": environment_id})
    if row is None:
        raise LookupError(f"environment {environment_id} has no secret root")
    return _root(uow, row)


async def find_root(uow: UnitOfWork, environment_id: str) -> Root | None:
    row = await uow.fetch_one(_FIND, {"environment": environment_id})
    return None if row is None else _root(uow, row)


async def settle_root(uow: UnitOfWork, before: Root, *, total: int | None = None) -> None:
    """Write the root behind the writes of this unit of work, or as ``total``.

    A root that somebody has altered stays one: a write on top does not make it good, only a ``total`` does.
    """
    changed = take(uow, before.environment_id)
    if total is None and not changed:
        return
    wanted = (before.total + changed) % MODULUS if total is None else total
    row = _row(uow, before.environment_id, before.sequence + 1, wanted)
    mac = row["mac"] if before.intact or total is not None else b""
    named = {"environment": before.environment_id, "new_sequence": row["sequence"]}
    await uow.execute(_UPDATE, {**named, "new_total": row["total"], "new_mac": mac})


async def sum_rows(uow: UnitOfWork, environment_id: str) -> int:
    """What the environment's rows add up to as they are now."""
    named, keys = {"environment": environment_id}, uow.keys
    total = sum(weigh_entry(keys, entry) for entry in all_entries(await uow.fetch_all(_ENTRIES, named)))
    total += sum(weigh_version(keys, version_of(row)) for row in await uow.fetch_all(_VERSIONS, named))
    total += sum(weigh_key(keys, key) for key in await list_data_keys(uow, environment_id))
    return total % MODULUS


async def list_rows(uow: UnitOfWork, account_id: str, environment_id: str) -> list[Entry]:
    """Every sealed value of the environment as an entry, those of versions behind those in force."""
    named, scope = {"environment": environment_id}, {"account_id": account_id}
    entries = all_entries(await uow.fetch_all(_ENTRIES, named))
    versions = [version_of(row) for row in await uow.fetch_all(_VERSIONS, named)]
    found = entries + [version.entry for version in versions if not version.is_wiped]
    return [replace(entry, scope=replace(entry.scope, **scope)) for entry in found]


async def list_environments(uow: UnitOfWork) -> list[tuple[str, str]]:
    """(environment, account) of every environment that has sealed rows with a root."""
    return [(row["environment_id"], row["account_id"]) for row in await uow.fetch_all(_ENVIRONMENTS)]


def _row(uow: UnitOfWork, environment_id: str, sequence: int, total: int) -> dict[str, object]:
    written = total.to_bytes(32, "big")
    mac = _mac(uow, environment_id, sequence, written)
    return {"environment_id": environment_id, "sequence": sequence, "total": written, "mac": mac}


def _root(uow: UnitOfWork, row: Row) -> Root:
    environment_id, total, mac = row["environment_id"], bytes(row["total"]), bytes(row["mac"])
    intact = mac == _mac(uow, environment_id, row["sequence"], total)
    return Root(environment_id, row["sequence"], int.from_bytes(total, "big"), mac, intact)


def _mac(uow: UnitOfWork, environment_id: str, sequence: int, total: bytes) -> bytes:
    return uow.keys.stamp("secret root", environment_id.encode(), str(sequence).encode(), total)
