"""The event stream without the preload: the names lead to this server, whose certificate the program trusts."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from architecture.sources import ROOT
from clients.own_network import isolated
from clients.test_pubsub_driver import DRIVER
from servers.sheetport import clean_environment

PAGE = ROOT / "docs" / "howto" / "event-stream-by-dns.md"
INSIDE = Path(__file__).with_name("dns_and_tls.py")
TESTS = ROOT / "tests"


def test_the_unmodified_driver_hears_of_events_by_dns_and_tls_also_over_a_restart(
    tmp_path: Path, node: str, node_project: Callable[[str], Path]
) -> None:
    """In a network of its own no packet can reach the hosts whose names these are."""
    files = make_certificates(tmp_path)
    hosts = tmp_path / "hosts"
    hosts.write_text(f"127.0.0.1 localhost sheetport.test\n127.0.0.1 {' '.join(names_of_the_page())}\n")
    project = node_project("pubsub-1.23.0")
    (project / "listen.mjs").write_text(DRIVER)
    inside = [sys.executable, str(INSIDE), str(tmp_path / "data"), str(project), node, *map(str, files)]
    variables = {"PYTHONPATH": str(TESTS), "SSL_CERT_FILE": str(files[0])}
    done = subprocess.run(
        isolated(hosts, *inside), env=clean_environment(variables), capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    connected, *events = done.stdout.splitlines()
    assert "connected" in connected
    assert [re.findall(r"'number': (\d)", event) for event in events] == [["1"], ["2"], ["3"]]


def names_of_the_page() -> list[str]:
    """Those that the page has its reader lead to the server."""
    found = re.findall(r"^\S+ +(ps[\w. ]+)$", PAGE.read_text(), re.MULTILINE)
    names = [name for line in found for name in line.split()]
    assert names == [f"ps{number}.pndsn.com" for number in range(1, 21)]
    return names


def make_certificates(folder: Path) -> tuple[Path, Path, Path]:
    """An authority's certificate, and a server's of that authority with its key, made as the page says."""
    script = re.search(r"```sh\n(openssl .*?)```", PAGE.read_text(), re.DOTALL)
    assert script
    text = script[1].replace("sheetport.example.com", "sheetport.test,IP:127.0.0.1")
    subprocess.run(["sh", "-euc", text], cwd=folder, check=True, capture_output=True, timeout=30)
    return folder / "authority.pem", folder / "fullchain.pem", folder / "privkey.pem"
