"""Settings that cannot be used are refused by name, with the fix."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from sheetport.config import ConfigError, HttpSettings, TlsSettings, log_settings, read_settings, tls_settings

CERTIFICATE, KEY = Path("chain.pem"), Path("key.pem")


def test_trusted_proxies_are_addresses_and_networks() -> None:
    found = read_settings(trusted_proxies="127.0.0.1, 10.0.0.0/8,::1,").http.trusted_proxies
    assert found == tuple(ip_network(each) for each in ("127.0.0.1/32", "10.0.0.0/8", "::1/128"))
    assert read_settings().http.trusted_proxies == ()


@pytest.mark.parametrize("word", ["proxy.example.com", "10.0.0.1/8", "300.1.1.1"])
def test_another_word_is_no_proxy(word: str) -> None:
    with pytest.raises(ConfigError, match=r"SHEETPORT_TRUSTED_PROXIES.*is no address or network"):
        read_settings(trusted_proxies=f"127.0.0.1,{word}")


def test_certificate_and_key_come_together() -> None:
    assert tls_settings(None, None, None) is None
    assert tls_settings(CERTIFICATE, KEY, 80) == TlsSettings(CERTIFICATE, KEY, 80)
    for half in ((CERTIFICATE, None), (None, KEY)):
        with pytest.raises(ConfigError, match="--tls-cert and --tls-key together"):
            tls_settings(*half, None)
    with pytest.raises(ConfigError, match="--http-redirect-port leads to HTTPS"):
        tls_settings(None, None, 80)


def test_with_a_certificate_the_server_is_at_https() -> None:
    assert HttpSettings(port=8443, tls=TlsSettings(CERTIFICATE, KEY)).base_url == "https://127.0.0.1:8443"
    assert HttpSettings(port=4010).base_url == "http://127.0.0.1:4010"


def test_logs_know_their_words() -> None:
    assert log_settings("json", "all").format == "json"
    with pytest.raises(ConfigError, match=r"SHEETPORT_LOG_FORMAT.*logfmt, json"):
        log_settings("xml", "all")
    with pytest.raises(ConfigError, match=r"SHEETPORT_ACCESS_LOG.*all, errors, off"):
        log_settings("json", "some")


def test_a_metrics_token_may_lie_in_a_file_and_is_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("canary-token\n")
    monkeypatch.setenv("SHEETPORT_METRICS_TOKEN_FILE", str(tmp_path / "token"))
    settings = read_settings()
    assert settings.http.metrics_token == "canary-token"
    assert "canary" not in repr(settings)
