"""The public keys of scanning services: what is read, and what is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sheetport.bootstrap import require_scanning_keys
from sheetport.config import ConfigError, read_settings
from sheetport.kernel.scanning_keys import is_signed, read_keys

KEY = ec.generate_private_key(ec.SECP256R1())


def published(key: Any, name: str = "a") -> str:
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return json.dumps({"public_keys": [{"key_identifier": name, "key": pem, "is_current": True}]})


def test_a_signature_holds_for_its_key_and_its_bytes_alone() -> None:
    keys = read_keys(published(KEY))
    signature = base64.b64encode(KEY.sign(b"message", ec.ECDSA(SHA256()))).decode()
    assert is_signed(keys, "a", signature, b"message")
    assert not is_signed(keys, "b", signature, b"message")
    assert not is_signed(keys, "a", signature, b"message ")
    for wrong in ("", "!", "AAAA", signature[:-4], signature + "AAAA", "\xe9"):
        assert not is_signed(keys, "a", wrong, b"message")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "public_keys"),
        ("[]", "public_keys"),
        ('{"public_keys": [{"key_identifier": "a", "key": "x"}]}', "PEM"),
        (published(ec.generate_private_key(ec.SECP384R1())), "P-256"),
        (published(rsa.generate_private_key(65537, 2048)), "P-256"),
    ],
    ids=["nothing", "list", "text", "another-curve", "rsa"],
)
def test_keys_that_cannot_be_used_keep_the_server_from_starting(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"SHEETPORT_SECRET_SCANNING_KEYS.*{said}"):
        require_scanning_keys(text)


def test_keys_come_from_a_file(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys.json"
    file.write_text(published(KEY))
    monkeypatch.setenv("SHEETPORT_SECRET_SCANNING_KEYS_FILE", str(file))
    assert list(read_keys(read_settings().secret_scanning_keys or "")) == ["a"]
