"""What tokens look like to everybody."""

from __future__ import annotations

import pytest

from sheetport.kernel.crypto import mint_token
from sheetport.kernel.tokens import DERIVED, STORED, is_whole, masked, unchecked, with_checksum

SPACE_TOKEN = with_checksum("spt_us_sp_4x7Q.1800000000000.3.AbC_efGhijKlmnOp-rstuv")


def test_one_letter_changed_breaks_the_checksum() -> None:
    token = mint_token("pat")
    assert is_whole(token)
    changed = [token[:at] + ("a" if token[at] != "a" else "b") + token[at + 1 :] for at in range(len(token))]
    assert not any(map(is_whole, changed))


def test_a_masked_token_shows_its_prefix_and_four_characters() -> None:
    token = mint_token("sk_prod")
    assert masked(token) == f"sk_prod_…{token[-4:]}"
    assert masked(SPACE_TOKEN) == f"spt_us_sp_4x7Q…{SPACE_TOKEN[-4:]}"


def test_a_derived_token_is_taken_with_and_without_its_checksum() -> None:
    assert unchecked(SPACE_TOKEN) == SPACE_TOKEN[:-6]
    assert unchecked(SPACE_TOKEN[:-6]) == SPACE_TOKEN[:-6]
    assert unchecked(SPACE_TOKEN + "x") == SPACE_TOKEN + "x"


@pytest.mark.parametrize("prefix", STORED)
def test_every_kind_says_what_it_is(prefix: str) -> None:
    assert STORED[prefix]
    assert prefix not in DERIVED
