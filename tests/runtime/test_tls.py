"""HTTPS by the server itself, its plain-HTTP side, and another certificate without a restart."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients.front import make_certificate
from faults.test_shutdown import wait_for
from servers.commands import PROGRAM
from servers.data_places import DataPlace
from servers.sheetport import EMAIL, PASSWORD, SheetportServer, free_port
from sheetport.config import ConfigError, HttpSettings, TlsSettings
from sheetport.http.redirect import Redirect
from sheetport.runtime.tls import check_tls

ServerFactory = Callable[..., SheetportServer]
NAMES = ["localhost", "data.example.com"]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    folder = tmp_path / "tls"
    folder.mkdir()
    certificate, key = make_certificate(NAMES, folder)
    key.chmod(0o600)
    return certificate, key


def curl(certificate: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["curl", "--silent", "--include", "--max-time", "20", "--cacert", str(certificate), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def shakes_hands(port: int, version: ssl.TLSVersion) -> bool:
    """Whether the server speaks this very version."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            with context.wrap_socket(connection):
                return True
        except (ssl.SSLError, ConnectionResetError):
            return False


def served_certificate(port: int) -> str:
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=20)


def test_https_its_redirect_and_a_new_certificate(
    server: ServerFactory, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    certificate, key = pair
    plain = free_port()
    options = ("--tls-cert", str(certificate), "--tls-key", str(key), "--http-redirect-port", str(plain))
    one = server(DataPlace("sqlite", tmp_path / "data", None), *options)

    named = f"data.example.com:{one.port}"
    got = curl(certificate, "--resolve", f"{named}:127.0.0.1", f"https://{named}/healthz")
    assert ("HTTP/1.1 200" in got.stdout, "strict-transport-security: max-age=" in got.stdout) == (True, True)

    body = json.dumps({"email": EMAIL, "password": PASSWORD})
    url = f"http://localhost:{plain}/v1/auth?a=b%20c"
    signed_in = curl(certificate, "--location", "-H", "Content-Type: application/json", "-d", body, url)
    assert "HTTP/1.1 308" in signed_in.stdout
    assert f"location: https://localhost:{one.port}/v1/auth?a=b%20c" in signed_in.stdout
    assert "accessToken" in signed_in.stdout, "method and body came through"

    old, new = (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        assert not shakes_hands(one.port, old)
    assert [shakes_hands(one.port, each) for each in (new, ssl.TLSVersion.TLSv1_3)] == [True, True]

    first = served_certificate(one.port)
    key.write_text("no key")
    os.kill(one.pid, signal.SIGHUP)
    assert wait_for(lambda: "server.not-reloaded" in one.log.read_text(), 10)
    assert served_certificate(one.port) == first, "it goes on with what it has"
    make_certificate(NAMES, certificate.parent)
    os.kill(one.pid, signal.SIGHUP)
    assert wait_for(lambda: one.log.read_text().count("Sheetport is ready at https://") == 2, 60)
    assert served_certificate(one.port) == certificate.read_text()
    assert "HTTP/1.1 308" in curl(certificate, f"http://localhost:{plain}/").stdout


def refusal(certificate: Path, key: Path) -> str:
    with pytest.raises(ConfigError) as refused:
        check_tls(TlsSettings(certificate, key))
    return str(refused.value)


def test_a_good_pair_is_taken(pair: tuple[Path, Path]) -> None:
    check_tls(TlsSettings(*pair))
    pair[1].chmod(0o640)  # such as a group that certificates are kept for
    check_tls(TlsSettings(*pair))


def test_a_bad_pair_is_a_sentence(pair: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = pair
    other = tmp_path / "other"
    other.mkdir()
    _, foreign = make_certificate(NAMES, other)
    foreign.chmod(0o600)
    certificate.chmod(0o600)
    assert "is not that of the certificate" in refusal(certificate, foreign)
    assert "holds no certificate in PEM form" in refusal(key, key)
    assert "holds no private key in PEM form" in refusal(certificate, certificate)
    assert "cannot be read: No such file" in refusal(certificate, tmp_path / "absent")
    key.chmod(0o604)
    assert f"chmod o= {key}" in refusal(certificate, key)


def test_a_key_with_a_password_asks_nobody(pair: tuple[Path, Path]) -> None:
    certificate, key = pair
    locked = key.with_name("locked.pem")
    command = ["openssl", "pkey", "-in", str(key), "-aes256", "-passout", "pass:word", "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)
    assert "has a password" in refusal(certificate, locked)


def test_serve_says_what_is_wrong_before_anything_starts(pair: tuple[Path, Path], tmp_path: Path) -> None:
    one = tmp_path / "never"
    done = subprocess.run(
        [PROGRAM, "serve", "--data", str(one), "--tls-cert", str(pair[0])], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, "--tls-cert and --tls-key together" in done.stderr.replace("\n", " ")) == (1, True)
    assert not one.exists()


async def redirected(settings: HttpSettings, url: str, host: str | None = None) -> httpx.Response:
    transport: Any = httpx.ASGITransport(app=Redirect(settings))
    async with httpx.AsyncClient(transport=transport) as client:
        headers = {} if host is None else {"Host": host}
        return await client.post(url, content=b"x" * 100_000, headers=headers)


@pytest.mark.parametrize(
    ("port", "url", "to"),
    [
        (443, "http://data.example.com/a?b=c", "https://data.example.com/a?b=c"),
        (8443, "http://data.example.com:8080/a%2Fb", "https://data.example.com:8443/a%2Fb"),
        (443, "http://data.example.com//evil.example/x", "https://data.example.com//evil.example/x"),
        (443, "http://[::1]:80/", "https://[::1]/"),
    ],
    ids=["plain", "port", "slashes", "ipv6"],
)
async def test_the_redirect_keeps_path_and_query(port: int, url: str, to: str) -> None:
    answer = await redirected(HttpSettings(port=port), url)
    assert (answer.status_code, answer.headers["location"]) == (308, to)


async def test_the_redirect_leads_to_the_public_url_when_there_is_one() -> None:
    settings = HttpSettings(public_url="https://data.example.com/")
    answer = await redirected(settings, "http://10.0.0.1/a?b")
    assert answer.headers["location"] == "https://data.example.com/a?b"


@pytest.mark.parametrize("host", ["a b", "user@host", "a/b", ""], ids=["space", "user", "path", "none"])
async def test_the_redirect_leads_nowhere_for_a_host_that_is_none(host: str) -> None:
    answer = await redirected(HttpSettings(), "http://x/", host)
    assert (answer.status_code, answer.json()["errors"][0]["key"]) == (400, "Host")
