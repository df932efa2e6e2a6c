"""What somebody with the database alone can do to sealed rows, at random: one thing at a time, and undone again."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any, ClassVar

from sqlalchemy import Table, and_, delete, insert, select, update

from sheetport.features.secrets import service
from sheetport.storage.tables.secrets import data_keys, secret_versions, secrets
from sheetport.storage.unit_of_work import UnitOfWork
from storage.vaults import Vault

Row = dict[str, Any]
SECRETS = 6


class Tampering:
    """Alters rows of a vault's first environment and puts back what they were."""

    KINDS: ClassVar = ("flip", "swap", "delete", "truncate", "add", "put back")
    TABLES: ClassVar = (secrets, secret_versions, data_keys)

    def __init__(self, vault: Vault, dice: random.Random) -> None:
        self._vault = vault
        self._dice = dice
        self._whole: dict[Table, list[Row]] = {}
        self._earlier: dict[Table, list[Row]] = {}
        self.counts: Counter[str] = Counter()

    async def furnish(self) -> None:
        """Secrets with histories, seen at two moments: what is put back is a row of the first."""
        for number in range(SECRETS):
            await self._vault.put(f"name {number}", f"value {number}")
        self._earlier = await self._read()
        for number in range(SECRETS):
            await self._vault.put(f"name {number}", f"new value {number}")
        actor, where = self._vault.actor, self._vault.one
        _, account_id, _ = await self._vault.db.write(lambda uow: service.begin_rekey(uow, actor, where))
        await service.rekey_environment(self._vault.db, account_id, where)
        self._whole = await self._read()

    async def tamper(self) -> str:
        """Do one thing; what it was."""
        kind, table = self._dice.choice(self.KINDS), self._dice.choice(self.TABLES)
        if kind == "put back":
            table = self._dice.choice(self.TABLES[:2])
        rows = self._whole[table]
        row = self._dice.choice(rows)
        if kind == "swap" and len(rows) < 2:
            kind = "flip"
        self.counts[kind] += 1
        await getattr(self, f"_{kind.replace(' ', '_')}")(table, row)
        return f"{kind} in {table.name}: {row.get('id') or row.get('secret_id')} {row.get('version')}"

    async def mend(self) -> None:
        """Every row as it was."""

        async def work(uow: UnitOfWork) -> None:
            for table, rows in self._whole.items():
                await uow.execute(delete(table).where(table.c.environment_id == self._vault.one))
                for row in rows:
                    await uow.execute(insert(table).values(**row))

        await self._vault.db.write(work)

    async def _flip(self, table: Table, row: Row) -> None:
        column = self._dice.choice(["ciphertext", "nonce"])
        value = bytearray(row[column])
        bit = self._dice.randrange(len(value) * 8)
        value[bit // 8] ^= 1 << bit % 8
        await self._set(table, row, **{column: bytes(value)})

    async def _truncate(self, table: Table, row: Row) -> None:
        kept = self._dice.randrange(len(row["ciphertext"]))
        await self._set(table, row, ciphertext=row["ciphertext"][:kept])

    async def _swap(self, table: Table, row: Row) -> None:
        other = self._dice.choice([each for each in self._whole[table] if each != row])
        sealed = ("kek_id" if table is data_keys else "key_id", "nonce", "ciphertext")
        await self._set(table, row, **{name: other[name] for name in sealed})
        await self._set(table, other, **{name: row[name] for name in sealed})

    async def _delete(self, table: Table, row: Row) -> None:
        await self._vault.db.write(lambda uow: uow.execute(delete(table).where(_is(table, row))))

    async def _add(self, table: Table, row: Row) -> None:
        added = row | {key: f"{row[key]}-x" for key in ("id", "secret_id", "name") if key in row}
        await self._vault.db.write(lambda uow: uow.execute(insert(table).values(**added)))

    async def _put_back(self, table: Table, row: Row) -> None:
        """A row as it was earlier, which opened then; with the key of then, where that is gone."""
        earlier = self._dice.choice(self._earlier[table])
        gone = [key for key in self._earlier[data_keys] if key not in self._whole[data_keys]]

        async def work(uow: UnitOfWork) -> None:
            await uow.execute(delete(table).where(_is(table, earlier)))
            await uow.execute(insert(table).values(**earlier))
            for key in gone:
                await uow.execute(insert(data_keys).values(**key))

        await self._vault.db.write(work)

    async def _set(self, table: Table, row: Row, **values: Any) -> None:
        change = update(table).where(_is(table, row)).values(**values)
        await self._vault.db.write(lambda uow: uow.execute(change))

    async def _read(self) -> dict[Table, list[Row]]:
        found = {}
        for table in self.TABLES:
            query = select(table).where(table.c.environment_id == self._vault.one)
            rows = await self._vault.db.read(lambda uow, each=query: uow.fetch_all(each))  # type: ignore[misc]
            found[table] = [{column.name: _plain(row[column.name]) for column in table.columns} for row in rows]
        return found


def _is(table: Table, row: Row) -> Any:
    return and_(*(column == row[column.name] for column in table.primary_key.columns))


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value
