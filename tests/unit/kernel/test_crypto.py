"""Tokens, fingerprints, derived tokens and envelope encryption: what holds, and what does not open."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from sheetport.kernel.crypto import (
    DecryptionError,
    KeyFileError,
    KeyRing,
    Sealed,
    mint_token,
    seal,
    unseal,
)
from sheetport.kernel.tokens import checksum

KEYS = KeyRing.generate()
CONTEXT = ("us_acc_1", "us_env_1", "NAME")


def test_a_token_is_its_prefix_33_random_characters_and_their_checksum() -> None:
    token = mint_token("sk_dev")
    assert re.fullmatch(r"sk_dev_[0-9A-Za-z]{39}", token)
    assert token[-6:] == checksum(token[:-6])
    assert checksum(token[:-6]) != checksum(token[:-7] + "_")


def test_no_two_tokens_are_the_same() -> None:
    assert len({mint_token("pat") for _ in range(1_000)}) == 1_000


def test_only_what_can_be_found_is_minted() -> None:
    with pytest.raises(ValueError, match=r"tokens\.py"):
        mint_token("new")


def test_a_fingerprint_needs_the_pepper() -> None:
    token = mint_token("pat")
    assert KEYS.fingerprint(token) == KEYS.fingerprint(token)
    assert len(KEYS.fingerprint(token)) == 32
    assert KEYS.fingerprint(token) != KEYS.fingerprint(token + "x")
    assert KEYS.fingerprint(token) != KeyRing.generate().fingerprint(token)


def test_a_key_file_gives_the_same_ring_again() -> None:
    again = KeyRing.from_text(KEYS.to_text())
    assert again == KEYS
    assert again.check_value() == KEYS.check_value()
    assert KeyRing.generate().check_value() != KEYS.check_value()


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[1]", "not json", KEYS.to_text()[:-20], KEYS.to_text().replace("sheetport-key-1", "sheetport-key-9")],
    ids=["empty", "object", "list", "not-json", "cut-short", "other-format"],
)
def test_what_is_no_key_file_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(KeyFileError) as refused:
        KeyRing.from_text(text)
    assert len(text) < 5 or text not in str(refused.value)


def test_a_ring_shows_no_key() -> None:
    shown = repr(KEYS)
    secrets = [KEYS.pepper, KEYS.mac, *KEYS.keks.values()]
    assert not any(repr(secret) in shown or secret.hex() in shown for secret in secrets)


def test_a_mac_holds_for_its_parts_as_they_were_divided() -> None:
    signature = KEYS.sign("space", "ab", "c")
    assert KEYS.signed(signature, "space", "ab", "c")
    for parts in (("space", "a", "bc"), ("space", "abc"), ("file", "ab", "c"), ("space", "ab", "c", "")):
        assert not KEYS.signed(signature, *parts)
    assert not KEYS.signed("é", "space", "ab", "c")
    assert not KeyRing.generate().signed(signature, "space", "ab", "c")


def test_a_value_opens_under_its_key_and_context_only() -> None:
    data_key, _ = KEYS.new_data_key("us_env_1")
    sealed = seal(data_key, "dk_1", b"value", *CONTEXT)
    assert unseal(data_key, sealed, *CONTEXT) == b"value"
    assert b"value" not in sealed.ciphertext
    altered = bytes([sealed.ciphertext[0] ^ 1]) + sealed.ciphertext[1:]
    wrong = [
        (bytes(32), sealed, CONTEXT),
        (data_key, sealed, ("us_acc_1", "us_env_2", "NAME")),
        (data_key, sealed, ("us_acc_1us_env_1", "NAME")),
        (data_key, replace(sealed, key_id="dk_2"), CONTEXT),
        (data_key, replace(sealed, nonce=bytes(12)), CONTEXT),
        (data_key, replace(sealed, nonce=b""), CONTEXT),
        (data_key, replace(sealed, ciphertext=altered), CONTEXT),
        (data_key, replace(sealed, ciphertext=sealed.ciphertext[:-1]), CONTEXT),
        (data_key, replace(sealed, ciphertext=b""), CONTEXT),
    ]
    for key, tried, context in wrong:
        with pytest.raises(DecryptionError):
            unseal(key, tried, *context)


def test_the_same_value_is_sealed_differently_each_time() -> None:
    data_key, _ = KEYS.new_data_key("us_env_1")
    sealed = [seal(data_key, "dk_1", b"value", *CONTEXT) for _ in range(100)]
    assert len({each.nonce for each in sealed}) == len({each.ciphertext for each in sealed}) == 100


def test_a_data_key_opens_with_its_ring_and_its_environment_only() -> None:
    data_key, sealed = KEYS.new_data_key("us_env_1")
    assert KEYS.open_data_key(sealed, "us_env_1") == data_key
    assert data_key not in sealed.ciphertext
    for keys, tried, context in (
        (KEYS, sealed, "us_env_2"),
        (KeyRing.generate(), sealed, "us_env_1"),
        (KEYS, Sealed("kek_gone", sealed.nonce, sealed.ciphertext), "us_env_1"),
    ):
        with pytest.raises(DecryptionError):
            keys.open_data_key(tried, context)
