"""A key file that a key service wraps: KMS as moto serves it, and a transit engine's double; refusals name the fix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from servers.transit import TOKEN, running_transit
from sheetport.config import StorageSettings
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.wrapped import Wrapping, wrapping_of
from sheetport.storage import data_directory
from sheetport.storage.data_directory import DataDirectoryError


@pytest.fixture(scope="module")
def kms() -> Iterator[str]:
    """The endpoint of a KMS server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def settings(tmp_path: Path) -> StorageSettings:
    made = StorageSettings(tmp_path / "data", tmp_path / "data.key")
    data_directory.create(made)
    return made


@pytest.fixture
def aws(kms: str, monkeypatch: pytest.MonkeyPatch) -> Wrapping:
    """A key of the KMS server, reached as an operator's machine reaches AWS."""
    for name, value in {
        "AWS_ENDPOINT_URL_KMS": kms,
        "AWS_ACCESS_KEY_ID": "of-the-test",
        "AWS_SECRET_ACCESS_KEY": "of-the-test",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    made = boto3.client("kms", endpoint_url=kms, region_name="eu-central-1").create_key()
    return Wrapping("aws-kms", made["KeyMetadata"]["Arn"])


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wrapping]:
    with running_transit() as address:
        monkeypatch.setenv("VAULT_ADDR", address)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield Wrapping("vault-transit", "sheetport")


def check(settings: StorageSettings, wrapping: Wrapping) -> None:
    """The ring comes back whole, through a rotation too, and nothing of it is in the file."""
    keys = data_directory.load_keys(settings)
    data_directory.wrap_keys(settings, keys, wrapping)
    text = settings.key_file.read_text()
    assert wrapping_of(text) == wrapping
    assert "pepper" not in text
    assert settings.key_file.stat().st_mode & 0o777 == 0o600
    assert data_directory.load_keys(settings) == keys
    more = keys.with_kek()
    data_directory.replace_keys(settings, more)
    assert wrapping_of(settings.key_file.read_text()) == wrapping, "what rewrites the file keeps it wrapped"
    assert data_directory.load_keys(settings) == more
    settings.key_file.write_text(text.replace('"ciphertext": "', '"ciphertext": "AAAA'))
    with pytest.raises(DataDirectoryError, match="was altered"):
        data_directory.load_keys(settings)
    settings.key_file.write_text(text)
    data_directory.wrap_keys(settings, keys, None)
    assert KeyRing.from_text(settings.key_file.read_text()) == keys


def test_aws_kms_wraps_a_key_file(settings: StorageSettings, aws: Wrapping, monkeypatch: pytest.MonkeyPatch) -> None:
    check(settings, aws)
    before = settings.key_file.read_bytes()
    keys = data_directory.load_keys(settings)
    with pytest.raises(DataDirectoryError, match=r"did not encrypt with alias/none \(NotFoundException\)"):
        data_directory.wrap_keys(settings, keys, Wrapping("aws-kms", "alias/none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
    with pytest.raises(DataDirectoryError, match="EndpointConnectionError"):
        data_directory.wrap_keys(settings, keys, aws)
    assert settings.key_file.read_bytes() == before


def test_a_transit_engine_wraps_a_key_file(
    settings: StorageSettings, vault: Wrapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(settings, vault)
    keys = data_directory.load_keys(settings)
    with pytest.raises(DataDirectoryError, match=r"transit/none \(InvalidRequest\)"):
        data_directory.wrap_keys(settings, keys, Wrapping("vault-transit", "none"))
    data_directory.wrap_keys(settings, keys, vault)
    monkeypatch.setenv("VAULT_TOKEN", "another")
    with pytest.raises(DataDirectoryError, match=r"did not decrypt with transit/sheetport \(Forbidden\)") as refused:
        data_directory.load_keys(settings)
    assert "another" not in str(refused.value)
    monkeypatch.delenv("VAULT_TOKEN")
    with pytest.raises(DataDirectoryError, match="Set VAULT_ADDR"):
        data_directory.load_keys(settings)


def test_a_service_that_is_unknown_or_not_installed_is_named(
    settings: StorageSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = data_directory.load_keys(settings)
    with pytest.raises(DataDirectoryError, match="no key service 'gcp'; it is aws-kms or vault-transit"):
        data_directory.wrap_keys(settings, keys, Wrapping("gcp", "key"))
    monkeypatch.setitem(data_directory.open_provider.__globals__["PLACES"], "aws-kms", ("sheetport.none", "aws"))
    with pytest.raises(DataDirectoryError, match=r"pip install 'sheetport\[aws\]'"):
        data_directory.wrap_keys(settings, keys, Wrapping("aws-kms", "key"))
