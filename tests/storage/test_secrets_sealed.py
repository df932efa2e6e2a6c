"""What lies on disk of secrets and variables: sealed, each bound to its row, under one data key an environment."""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets as random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update

from servers.data_places import DataPlace
from sheetport.features.secrets import service
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.errors import Invalid, Unavailable
from sheetport.storage.engine import open_database
from sheetport.storage.tables.base import metadata
from sheetport.storage.tables.secrets import data_keys, secrets
from sheetport.storage.unit_of_work import UnitOfWork
from storage.vaults import Vault, opened_vault


@pytest.fixture
async def vault(data_place: DataPlace) -> AsyncIterator[Vault]:
    async with opened_vault(data_place) as opened:
        yield opened


def spellings(value: str) -> list[bytes]:
    """How ``value`` would look on disk raw, in hex, and in base64 at each alignment."""
    raw = value.encode()
    found = [raw, raw.hex().encode(), raw.hex().upper().encode(), raw[::-1]]
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw)
        found.append(whole[4 if shift else 0 : -4])
    return found


async def everything_stored(vault: Vault) -> bytes:
    """All that the database holds: its files on SQLite, every column of every table on both."""
    parts = [path.read_bytes() for path in sorted(vault.settings.data.rglob("*")) if path.is_file()]
    for table in metadata.sorted_tables:
        for row in await vault.rows(table):
            values = [row[column.name] for column in table.columns]
            parts += [value if isinstance(value, bytes) else str(value).encode() for value in values]
    return b"\n".join(parts)


async def test_no_value_is_stored_in_any_spelling(vault: Vault, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = {f"canary name {number}": f"canary{random.token_hex(16)}" for number in range(50)}
    for name, value in canaries.items():
        await vault.put(name, "an earlier " + value)
        await vault.put(name, value)
    variable = f"canary{random.token_hex(16)}"
    await vault.db.write(lambda uow: service.set_variable(uow, vault.actor, vault.one, "WEBHOOK_URL", variable))
    assert await vault.read() == canaries
    stored = await everything_stored(vault)
    assert all(name.encode() in stored for name in (*canaries, "WEBHOOK_URL")), "the search looks in the right place"
    for value in (*canaries.values(), variable):
        assert not any(spelling in stored for spelling in spellings(value))
        assert value not in caplog.text


def test_the_search_knows_every_spelling() -> None:
    value = f"canary{random.token_hex(16)}"
    for before in range(3):
        text = b"x" * before + value.encode() + b"yz"
        for stored in (text, text.hex().encode(), base64.b64encode(text)):
            assert any(spelling in stored for spelling in spellings(value))


async def test_a_variable_holds_no_nul_from_whichever_caller(vault: Vault) -> None:
    with pytest.raises(Invalid) as refused:
        await vault.db.write(lambda uow: service.set_variable(uow, vault.actor, vault.one, "A", "a\0b"))
    assert refused.value.key == "value"


async def test_values_are_not_in_reprs(vault: Vault) -> None:
    assert "canary" not in repr(await vault.put("x", "canary"))


async def test_an_environment_has_one_data_key_and_each_its_own(vault: Vault) -> None:
    for environment_id in (vault.one, vault.two):
        for name in ("a", "b"):
            await vault.put(name, "same value", environment_id)
    keys = await vault.rows(data_keys)
    assert sorted(key["environment_id"] for key in keys) == sorted([vault.one, vault.two])
    assert len({bytes(key["ciphertext"]) for key in keys}) == 2
    assert len({bytes(row["ciphertext"]) for row in await vault.rows(secrets)}) == 4, "equal values look different"


async def test_first_writes_at_once_end_with_one_key_that_opens_all(vault: Vault) -> None:
    values = {f"name {number}": f"value {number}" for number in range(8)}
    await asyncio.gather(*(vault.put(name, value) for name, value in values.items()))
    assert len(await vault.rows(data_keys)) == 1
    assert await vault.read() == values


async def test_writes_of_one_name_at_once_end_with_one_row_and_every_version(vault: Vault) -> None:
    await asyncio.gather(*(vault.put("x", f"value {number}") for number in range(8)))
    (row,) = await vault.rows(secrets)
    assert row["version"] == 8
    assert (await vault.read())["x"].startswith("value ")


#: Each is done to row "a", which "b" stands beside; the row it takes from is read first.
ALTERATIONS = {
    "the value of another row": lambda a, b: {"ciphertext": b["ciphertext"], "nonce": b["nonce"]},
    "one bit": lambda a, b: {"ciphertext": bytes([a["ciphertext"][0] ^ 1, *a["ciphertext"][1:]])},
    "a cut": lambda a, b: {"ciphertext": bytes(a["ciphertext"])[:-1]},
    "nothing left": lambda a, b: {"ciphertext": b""},
    "another nonce": lambda a, b: {"nonce": b["nonce"]},
    "a nonce of no length": lambda a, b: {"nonce": b""},
    "another version": lambda a, b: {"version": a["version"] + 1},
    "another actor": lambda a, b: {"actor_id": "somebody"},
    "another kind": lambda a, b: {"kind": "variable"},
    "another data key": lambda a, b: {"key_id": "dk_2"},
    "bytes that are no text": lambda a, b: {"ciphertext": random.token_bytes(40)},
}


@pytest.mark.parametrize("done", ALTERATIONS)
async def test_an_altered_row_does_not_open_and_is_named(vault: Vault, done: str) -> None:
    await vault.put("a", "canary-a")
    await vault.put("b", "canary-b")
    a, b = await vault.sealed("a"), await vault.sealed("b")
    await vault.alter("a", **ALTERATIONS[done](a, b))

    async def read(uow: UnitOfWork) -> Any:
        if done == "another kind":
            return await service.list_variables(uow, vault.actor, vault.one)
        return await service.list_secrets(uow, vault.actor, vault.one, actor_id="somebody")

    with pytest.raises(Unavailable) as refused:
        await vault.db.write(read)
    assert a["id"] in refused.value.message
    assert b["id"] not in refused.value.message
    assert "canary" not in refused.value.message


async def test_swapped_rows_are_refused_until_both_are_written_again(vault: Vault) -> None:
    await vault.put("a", "value a")
    await vault.put("b", "value b")
    a, b = await vault.sealed("a"), await vault.sealed("b")
    await vault.alter("a", ciphertext=b["ciphertext"], nonce=b["nonce"])
    await vault.alter("b", ciphertext=a["ciphertext"], nonce=a["nonce"])
    with pytest.raises(Unavailable):
        await vault.read()
    assert [secret.name for secret in await vault.put("a", "new a")] == ["a"], "b does not open yet"
    await vault.put("b", "new b")
    assert await vault.read() == {"a": "new a", "b": "new b"}


async def test_a_row_or_key_moved_to_another_environment_does_not_open(vault: Vault) -> None:
    await vault.put("a", "value a", vault.one)
    await vault.put("other", "value b", vault.two)
    await vault.alter("a", environment_id=vault.two)
    with pytest.raises(Unavailable):
        await vault.read(vault.two)
    of_one = next(key for key in await vault.rows(data_keys) if key["environment_id"] == vault.one)
    moved = {name: of_one[name] for name in ("kek_id", "nonce", "ciphertext")}
    change = update(data_keys).where(data_keys.c.environment_id == vault.two).values(**moved)
    await vault.db.write(lambda uow: uow.execute(change))
    with pytest.raises(Unavailable) as refused:
        await vault.put("new", "value", vault.two)
    assert refused.value.key == "keyFile"


async def test_another_key_file_opens_nothing(vault: Vault) -> None:
    await vault.put("a", "canary")
    other = await open_database(vault.settings, KeyRing.generate())
    try:
        stranger = Vault(other, vault.settings, vault.actor, vault.one, vault.two)
        with pytest.raises(Unavailable, match="key file"):
            await stranger.read()
        with pytest.raises(Unavailable, match="key file"):
            await stranger.put("a", "overwritten")
    finally:
        await other.close()
    assert await vault.read() == {"a": "canary"}
