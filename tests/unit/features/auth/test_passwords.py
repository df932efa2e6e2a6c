"""Passwords: how they are kept, and that hashing waits in a short queue only."""

from __future__ import annotations

import asyncio
import unicodedata

import pytest
from argon2 import extract_parameters

from sheetport.features.auth.service import passwords
from sheetport.features.auth.service.passwords import hash_password, verify_password
from sheetport.kernel.errors import Invalid, Unavailable


async def test_a_hash_is_argon2id_of_the_promised_cost_and_never_the_same_twice() -> None:
    first, second = [await hash_password("correct horse battery") for _ in range(2)]
    assert first != second
    for made in (first, passwords.DUMMY_HASH):
        cost = extract_parameters(made)
        assert (cost.type.name, cost.time_cost, cost.memory_cost, cost.parallelism) == ("ID", 1, 46 * 1024, 1)


async def test_only_the_password_is_right_however_its_accents_are_composed() -> None:
    made = await hash_password("mot de passe très sûr")
    assert await verify_password(made, unicodedata.normalize("NFD", "mot de passe très sûr"))
    assert not await verify_password(made, "mot de passe tres sur")
    assert not await verify_password("no hash at all", "mot de passe très sûr")


@pytest.mark.parametrize(
    "password", ["пять слов подряд и точка", "雪の下で電車を待つ猫たちは静か", "🦉🚋❄️🎻🧂🪴🛶🥁🧭🪁🦔🏮🪢🎏"]
)
async def test_passwords_of_any_script_are_right_again(password: str) -> None:
    made = await hash_password(password)
    assert await verify_password(made, password)
    assert not await verify_password(made, password[:-1])


async def test_without_a_hash_nothing_is_right() -> None:
    assert not await verify_password(None, "correct horse battery")
    assert not await verify_password(None, "")


async def test_refused_passwords_are_not_hashed() -> None:
    with pytest.raises(Invalid):
        await hash_password("short")


async def test_more_than_a_queue_full_is_told_to_come_back() -> None:
    waiting = [asyncio.ensure_future(verify_password(None, "x")) for _ in range(passwords.MAX_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="try again"):
        await verify_password(None, "x")
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for _ in range(100):
        try:
            assert not await verify_password(None, "x")
            break
        except Unavailable:
            await asyncio.sleep(0.05)
    else:
        pytest.fail("the places of cancelled sign-ins are not given back")
