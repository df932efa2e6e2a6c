"""Settings that cannot be used are refused by name, with the fix."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from sheetport.config import (
    DEFAULT_RATES,
    ConfigError,
    HttpSettings,
    MailSettings,
    TlsSettings,
    log_settings,
    read_settings,
    tls_settings,
)
from sheetport.kernel.rates import Bucket, Rate

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


def mail_settings(monkeypatch: pytest.MonkeyPatch, url: str, **more: str) -> MailSettings | None:
    for name, value in {"SHEETPORT_SMTP_URL": url, "SHEETPORT_MAIL_FROM": "Imports <a@b.example>", **more}.items():
        monkeypatch.setenv(name, value)
    return read_settings().mail


def test_a_mail_server_is_an_address_with_user_and_password(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().mail is None
    found = mail_settings(monkeypatch, "smtp://us%40er:canary%2Fword@mail.example")
    assert found == MailSettings("mail.example", 587, "Imports <a@b.example>", "us@er", "canary/word")
    assert "canary" not in repr(found)
    secure = mail_settings(monkeypatch, "smtps://mail.example")
    assert secure is not None
    assert (secure.port, secure.implicit_tls, secure.plain_allowed) == (465, True, False)


@pytest.mark.parametrize(
    ("url", "insecure", "plain"),
    [
        ("smtp://127.0.0.1:25", "0", True),
        ("smtp://localhost", "0", True),
        ("smtp://[::1]:2525", "0", True),
        ("smtp://mail.example", "1", True),
        ("smtp://mail.example", "0", False),
        ("smtp://10.0.0.1", "", False),
    ],
)
def test_mail_goes_unencrypted_to_this_machine_or_when_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, url: str, insecure: str, plain: bool
) -> None:
    found = mail_settings(monkeypatch, url, SHEETPORT_SMTP_INSECURE=insecure)
    assert found is not None
    assert found.plain_allowed is plain


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp://h:x", "smtp://u:canary@h/p"])
def test_another_mail_address_is_refused_without_repeating_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(ConfigError, match="SHEETPORT_SMTP_URL must be smtp://") as refused:
        mail_settings(monkeypatch, url)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("sender", ["", "Imports", "a@b.c\nBcc: d@e.f"])
def test_mail_needs_a_sender(monkeypatch: pytest.MonkeyPatch, sender: str) -> None:
    with pytest.raises(ConfigError, match="SHEETPORT_MAIL_FROM must be the address"):
        mail_settings(monkeypatch, "smtp://mail.example", SHEETPORT_MAIL_FROM=sender)


def test_a_rate_is_set_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().rates == DEFAULT_RATES
    monkeypatch.setenv("SHEETPORT_RATE_SIGN_INS", "10/300")
    assert read_settings().rates == {**DEFAULT_RATES, Bucket.SIGN_INS: Rate(10, 300)}


@pytest.mark.parametrize("text", ["", "10", "10/", "/60", "0/60", "10/0", "ten/60", "-1/60", "10/60/60", "1/86401"])
def test_what_is_no_rate_is_refused_with_what_to_write(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SHEETPORT_RATE_SIGN_INS", text)
    with pytest.raises(ConfigError, match="SHEETPORT_RATE_SIGN_INS must be COUNT/SECONDS"):
        read_settings()
