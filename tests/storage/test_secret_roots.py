"""Whatever is done to sealed rows behind the server's back is found; what the server does itself is not."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import bindparam, delete, insert, update

from servers.data_places import DataPlace
from sheetport.features.audit import service as audit
from sheetport.features.secrets import service
from sheetport.storage.tables.audit import audit_records
from sheetport.storage.tables.secrets import secret_roots, secret_versions, secrets
from sheetport.storage.unit_of_work import UnitOfWork
from storage.tampering import Tampering
from storage.vaults import Vault, opened_vault

ROUNDS = {"sqlite": 60, "postgresql": 30}


@pytest.fixture
async def vault(data_place: DataPlace) -> AsyncIterator[Vault]:
    async with opened_vault(data_place) as opened:
        yield opened


async def root(vault: Vault) -> bytes:
    return await vault.db.read(lambda uow: service.secret_root(uow, vault.one))


async def faults(vault: Vault) -> list[str]:
    return await vault.db.write(lambda uow: service.verify_secrets(uow, vault.actor, vault.one))


async def test_the_root_follows_every_write_and_counts_it(vault: Vault) -> None:
    seen = [await root(vault)]
    secret_id = (await vault.put("a", "1"))[0].id
    seen.append(await root(vault))
    for work in (
        lambda uow: service.rotate_secret(uow, vault.actor, secret_id),
        lambda uow: service.rotate_secret(uow, vault.actor, secret_id, pending=True),
        lambda uow: service.promote_secret(uow, vault.actor, secret_id),
        lambda uow: service.roll_back_secret(uow, vault.actor, secret_id),
        lambda uow: service.set_variable(uow, vault.actor, vault.one, "V", "1"),
        lambda uow: service.set_variable(uow, vault.actor, vault.one, "V", "2"),
        lambda uow: service.delete_variable(uow, vault.actor, vault.one, "V"),
        lambda uow: service.begin_rekey(uow, vault.actor, vault.one),
        lambda uow: service.delete_secret(uow, vault.actor, secret_id),
    ):
        await vault.db.write(work)
        seen.append(await root(vault))
        assert await faults(vault) == []
    assert [int.from_bytes(each[:8], "big") for each in seen] == list(range(len(seen)))
    assert len({each[8:] for each in seen}) == len(seen)
    assert {len(each) for each in seen} == {40}


async def test_a_root_that_was_altered_stays_so_whatever_is_written_on_top(vault: Vault) -> None:
    await vault.put("a", "1")
    (before,) = await vault.rows(secret_roots)
    await vault.put("a", "2")
    # An old root with the old rows, at today's count: everything but the MAC fits.
    old = {"total": before["total"]}
    await vault.db.write(lambda uow: uow.execute(update(secret_roots).values(**old)))
    assert await faults(vault) == ["The root of the environment's secrets was altered."]
    await vault.put("b", "1")
    assert "The root of the environment's secrets was altered." in await faults(vault)
    accepted = await vault.db.write(lambda uow: service.accept_secrets(uow, vault.actor, vault.one))
    assert accepted
    assert await faults(vault) == []


async def test_the_server_looks_for_itself_and_tells_each_fault_once(vault: Vault) -> None:
    await vault.put("a", "1")
    told: set[str] = set()

    async def alerts() -> int:
        await service.watch_secrets(vault.db, told)
        return sum(row["action"] == "secret:tampered" for row in await vault.rows(audit_records))

    assert await alerts() == 0
    await vault.alter("a", updated_at=1)
    assert await alerts() == 0, "that is no part of what is sealed"
    await vault.alter("a", kind="variable")
    assert [await alerts(), await alerts()] == [1, 1]


async def test_secrets_that_were_put_back_with_their_root_are_missed_by_an_anchor(vault: Vault, tmp_path: Path) -> None:
    await vault.put("a", "1")
    earlier = {
        table: [dict(row) for row in await vault.rows(table)] for table in (secrets, secret_versions, secret_roots)
    }
    await vault.put("a", "2")
    await audit.anchor(vault.db, tmp_path, service.list_secret_roots)
    watch = audit.Watch(vault.db, tmp_path, service.list_secret_roots)
    assert await watch.find_rollback() is None

    async def put_back(uow: UnitOfWork) -> None:
        for table, rows in earlier.items():
            await uow.execute(delete(table))
            named = {column.name: bindparam(column.name) for column in table.columns}
            await uow.execute_many(insert(table).values(named), rows)

    await vault.db.write(put_back)
    assert (await vault.read(), await faults(vault)) == ({"a": "1"}, []), "alone they fit"
    assert vault.one in str(await watch.find_rollback())


async def test_an_environment_from_before_roots_has_one_with_its_next_write(vault: Vault) -> None:
    await vault.put("a", "1")
    await vault.db.write(lambda uow: uow.execute(delete(secret_roots)))
    assert await faults(vault) == []
    await vault.put("b", "2")
    assert await faults(vault) == []


async def test_every_row_taken_away_altered_swapped_or_put_back_is_found(vault: Vault, data_place: DataPlace) -> None:
    tampering = Tampering(vault, random.Random(4))
    await tampering.furnish()
    assert await faults(vault) == []
    for _ in range(ROUNDS[data_place.kind]):
        done = await tampering.tamper()
        found = await faults(vault)
        assert found, done
        await tampering.mend()
    assert await faults(vault) == [], "what was mended is whole again"
    assert set(tampering.counts) == set(Tampering.KINDS)
