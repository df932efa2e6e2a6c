"""New keys for sealed rows: everything opens before, in the middle and after, and what nothing needs goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from servers.data_places import DataPlace
from sheetport.config import StorageSettings
from sheetport.features.secrets import service
from sheetport.features.secrets.service import rekeying
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.errors import KeysOutdated
from sheetport.runtime.key_rotation import KeyRotation
from sheetport.runtime.restore import restore
from sheetport.runtime.set_up import newest_keys
from sheetport.storage import data_directory, identity
from sheetport.storage.backup.archive import ArchiveError
from sheetport.storage.backup.write import write_backup
from sheetport.storage.engine import open_database
from sheetport.storage.tables.secrets import data_keys, secret_versions, secrets
from storage.vaults import Vault, opened_vault

VALUES = {f"name {number}": f"value {number}" for number in range(7)}


@pytest.fixture
async def vault(data_place: DataPlace) -> AsyncIterator[Vault]:
    """With secrets in two environments, one of which has several versions."""
    async with opened_vault(data_place) as opened:
        for name, value in VALUES.items():
            await opened.put(name, value)
        await opened.put("name 0", "before")
        await opened.put("name 0", "value 0")
        await opened.put("other", "canary", opened.two)
        yield opened


def file_keys(vault: Vault) -> KeyRing:
    return data_directory.load_keys(vault.settings)


async def faults(vault: Vault) -> list[str]:
    found = []
    for environment in (vault.one, vault.two):
        found += await vault.db.write(
            lambda uow, where=environment: service.verify_secrets(uow, vault.actor, where)  # type: ignore[misc]
        )
    return found


async def test_a_new_key_encryption_key_takes_over_and_the_old_one_goes(vault: Vault) -> None:
    rotation, before = KeyRotation(vault.db, vault.settings), file_keys(vault)
    done = await rotation.rotate()
    assert (done.in_force, done.stuck, done.dropped) == (True, 0, (before.current_kek,))
    assert list(file_keys(vault).keks) == [done.kek_id] != list(before.keks)
    assert {row["kek_id"] for row in await vault.rows(data_keys)} == {done.kek_id}
    assert (await vault.read(), await vault.read(vault.two), await faults(vault)) == (VALUES, {"other": "canary"}, [])
    assert vault.settings.key_file.stat().st_mode & 0o777 == 0o600
    vault.db.keys = before
    await rotation.renew()
    assert await vault.read() == VALUES


async def test_a_rotation_that_was_stopped_anywhere_is_finished(vault: Vault) -> None:
    before = file_keys(vault)
    between = before.with_kek()
    between = between.using(list(between.keks)[-1])
    data_directory.replace_keys(vault.settings, between)  # killed behind the file, ahead of the database
    vault.db.keys = await newest_keys(vault.db, between)
    assert await vault.read() == VALUES
    await KeyRotation(vault.db, vault.settings).resume()
    assert list(file_keys(vault).keks) == [between.current_kek]
    again = file_keys(vault).with_kek()
    again = again.using(list(again.keks)[-1])
    data_directory.replace_keys(vault.settings, again)
    await vault.db.write(lambda uow: identity.set_kek(uow, again.current_kek))
    vault.db.keys = await newest_keys(vault.db, again)
    await vault.db.write(lambda uow: rekeying.rewrap_batch(uow, vault.one))  # killed behind some environments
    await KeyRotation(vault.db, vault.settings).resume()
    assert {row["kek_id"] for row in await vault.rows(data_keys)} == {again.current_kek}
    assert (list(file_keys(vault).keks), await vault.read(), await faults(vault)) == ([again.current_kek], VALUES, [])


async def test_a_prepared_key_is_in_the_file_alone_until_it_is_put_in_force(vault: Vault) -> None:
    rotation, before = KeyRotation(vault.db, vault.settings), file_keys(vault)
    made = await rotation.rotate(prepare=True)
    assert (made.in_force, file_keys(vault).current_kek) == (False, before.current_kek)
    await rotation.resume()
    assert list(file_keys(vault).keks) == [before.current_kek, made.kek_id], "nobody drops it"
    copied = file_keys(vault)  # as on another host
    done = await rotation.rotate()
    assert done.kek_id == made.kek_id
    assert (await newest_keys(vault.db, copied)).current_kek == made.kek_id, "the other host follows the database"


async def test_another_process_reads_the_file_again_before_it_gives_up(vault: Vault) -> None:
    if not vault.db.shared:
        return  # one process on SQLite
    other = await open_database(vault.settings, file_keys(vault))
    beside = Vault(other, vault.settings, vault.actor, vault.one, vault.two)
    try:
        KeyRotation(other, vault.settings)
        await KeyRotation(vault.db, vault.settings).rotate()
        await beside.db.write(lambda uow: service.begin_rekey(uow, vault.actor, vault.two))
        assert await faults(beside) == []
    finally:
        await other.close()
    assert await faults(vault) == []


async def test_a_new_data_key_seals_every_value_and_version_and_the_old_one_goes(vault: Vault) -> None:
    _, account_id, environment_id = await vault.db.write(lambda uow: service.begin_rekey(uow, vault.actor, vault.one))
    assert await vault.read() == VALUES
    again = await vault.db.write(lambda uow: service.begin_rekey(uow, vault.actor, vault.one))
    assert again[0] == "dk_2", "one that is under way goes on"
    rekeying_all = service.rekey_environment(vault.db, account_id, environment_id)
    writes = [vault.put(f"name {number}", f"value {number}") for number in range(7)]
    done, *_ = await asyncio.gather(rekeying_all, *writes)
    assert done.stuck == 0
    for table in (secrets, secret_versions):
        assert {row["key_id"] for row in await vault.rows(table) if row["environment_id"] == vault.one} == {"dk_2"}
    assert [row["id"] for row in await vault.rows(data_keys) if row["environment_id"] == vault.one] == ["dk_2"]
    assert (await vault.read(), await faults(vault)) == (VALUES, [])
    assert await vault.read(vault.two) == {"other": "canary"}


async def test_a_value_that_does_not_open_keeps_its_key_and_is_counted(vault: Vault) -> None:
    row = await vault.sealed("name 3")
    await vault.alter("name 3", ciphertext=bytes([row["ciphertext"][0] ^ 1, *row["ciphertext"][1:]]))
    _, account_id, environment_id = await vault.db.write(lambda uow: service.begin_rekey(uow, vault.actor, vault.one))
    done = await service.rekey_environment(vault.db, account_id, environment_id)
    assert done.stuck == 1
    assert [row["id"] for row in await vault.rows(data_keys) if row["environment_id"] == vault.one] == ["dk_1", "dk_2"]
    await vault.alter("name 3", ciphertext=row["ciphertext"])
    await service.resume_rekeys(vault.db)
    assert [row["id"] for row in await vault.rows(data_keys) if row["environment_id"] == vault.one] == ["dk_2"]
    assert (await vault.read(), await faults(vault)) == (VALUES, [])


async def test_who_has_not_heard_of_a_rotation_makes_no_data_key(vault: Vault) -> None:
    other = await open_database(vault.settings, vault.db.keys)
    try:
        await KeyRotation(vault.db, vault.settings).rotate()
        with pytest.raises(KeysOutdated, match="rotated to kek_"):
            await other.write(lambda uow: service.begin_rekey(uow, vault.actor, vault.one))
    finally:
        await other.close()
    assert len(await vault.rows(data_keys)) == 2


async def test_a_backup_from_before_a_rotation_needs_the_key_file_from_before(vault: Vault, tmp_path: Path) -> None:
    if vault.db.shared:
        return  # a restore of either database is checked elsewhere
    before = vault.settings.key_file.read_text()
    backup, key_file = tmp_path / "a.backup", tmp_path / "of-then.key"
    await asyncio.to_thread(write_backup, vault.settings, backup, lambda _: None)
    await KeyRotation(vault.db, vault.settings).rotate()
    place = StorageSettings(tmp_path / "restored", vault.settings.key_file)
    with pytest.raises(ArchiveError, match="does not hold kek_"):
        await asyncio.to_thread(restore, place, backup, replacing=False, progress=lambda _: None)
    key_file.write_text(before)
    place = StorageSettings(tmp_path / "restored", key_file)
    await asyncio.to_thread(restore, place, backup, replacing=False, progress=lambda _: None)
    keys = data_directory.load_keys(place)
    restored = await open_database(place, keys)
    try:
        assert await restored.read(identity.find_kek) == keys.current_kek
        beside = Vault(restored, place, vault.actor, vault.one, vault.two)
        assert await faults(beside) == []
    finally:
        await restored.close()
