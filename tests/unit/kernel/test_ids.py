"""Identifiers."""

from __future__ import annotations

import re

import pytest

from sheetport.kernel.ids import base62, new_id, new_root_id, random_text, routing_tag


def test_an_id_names_its_kind_and_carries_its_environments_tag() -> None:
    environment = new_root_id("env")
    made = new_id("wb", environment)
    assert re.fullmatch(r"us_wb_[0-9A-Za-z]{16}", made)
    assert routing_tag(made) == routing_tag(environment)


def test_no_id_but_an_environments_contains_env() -> None:
    for _ in range(2_000):
        assert "env" not in new_id("sp", "us_env_Aen00000").lower()


@pytest.mark.parametrize("owner", ["us_env_ab", "us_env_äöüß1234", "x", "us_env_a b c d"])
def test_a_foreign_id_still_gives_a_tag_of_four(owner: str) -> None:
    assert re.fullmatch(r"[0-9A-Za-z]{4}", routing_tag(owner))
    assert routing_tag(owner) == routing_tag(owner)


def test_base62_is_padded_and_ordered() -> None:
    assert base62(0, 3) == "000"
    assert base62(61, 2) == "0z"
    assert base62(62, 2) == "10"
    assert sorted(base62(n, 3) for n in range(500)) == [base62(n, 3) for n in range(500)]


def test_random_text_has_its_length_and_does_not_repeat() -> None:
    made = {random_text(12) for _ in range(1_000)}
    assert len(made) == 1_000
    assert {len(text) for text in made} == {12}
