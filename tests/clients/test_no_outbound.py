"""No telemetry: a server at rest and the demo call nobody outside this machine. Every call that could is seen."""

from __future__ import annotations

import re
import shutil
import sys
import time
from pathlib import Path

from clients.programs import run, running
from servers.commands import PROGRAM
from servers.sheetport import free_port

IDLE_SECONDS = 8
ADDRESS = re.compile(r'sa_family=AF_INET6?\b.*?htons\((?P<port>\d+)\).*?"(?P<host>[0-9a-fA-F.:]+)"')
#: What a call to another host would need: a connection or a datagram; of these, those that say where to.
CALLS = "trace=connect,sendto,sendmsg,sendmmsg"


def traced(trace: Path, *command: str) -> list[str]:
    """The command, with each such call of it and of every process it starts written to ``trace``."""
    strace = shutil.which("strace")
    assert strace, "strace is missing. Run: sudo apt-get install strace"
    return [strace, "-f", "-qq", "-s", "64", "-e", CALLS, "-e", "signal=none", "-o", str(trace), *command]


def called(trace: Path) -> set[tuple[str, int]]:
    """Each (host, port) of an IPv4 or IPv6 address in the trace."""
    lines = trace.read_text(errors="replace").splitlines()
    internet = [line for line in lines if "sa_family=AF_INET" in line]
    found = [ADDRESS.search(line) for line in internet]
    assert None not in found, f"an address that cannot be read: {internet[found.index(None)]}"
    return {(match["host"], int(match["port"])) for match in found if match}


def outside(trace: Path) -> set[tuple[str, int]]:
    """Those of other machines. A question to a name server counts wherever that runs: it asks others."""
    local = ("127.", "::1", "::ffff:127.")
    return {(host, port) for host, port in called(trace) if port == 53 or not host.startswith(local)}


def test_a_server_at_rest_calls_nobody(tmp_path: Path) -> None:
    trace, data = tmp_path / "trace", tmp_path / "data"
    command = [PROGRAM, "serve", "--data", str(data), "--port", str(free_port())]
    with running(traced(trace, *command), tmp_path, {}, "Sheetport is ready at"):
        time.sleep(IDLE_SECONDS)
    assert trace.exists()
    assert outside(trace) == set()


def test_the_demo_calls_this_machine_only(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    said = run(traced(trace, PROGRAM, "demo", "--data", str(tmp_path / "none")), tmp_path, {})
    assert "The webhook got" in said
    assert len(called(trace)) >= 2, "its server and its webhook, at least"
    assert outside(trace) == set()


def test_a_call_outside_would_be_seen(tmp_path: Path) -> None:
    """Also from a process that the traced one starts, without an answer, and to a name server on this machine."""
    script = """
import socket, subprocess, sys
def send(family, *address):
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        try: sender.sendto(b"x", address)
        except OSError: pass
send(socket.AF_INET, "192.0.2.1", 9)
send(socket.AF_INET, "127.0.0.1", 53)
send(socket.AF_INET, "127.0.0.1", 9)
if socket.has_ipv6: send(socket.AF_INET6, "2001:db8::1", 9)
if len(sys.argv) == 1: subprocess.run([sys.executable, __file__, "child"], check=True)
"""
    (tmp_path / "calls.py").write_text(script)
    trace = tmp_path / "trace"
    run(traced(trace, sys.executable, "calls.py"), tmp_path, {})
    assert outside(trace) >= {("192.0.2.1", 9), ("127.0.0.1", 53), ("2001:db8::1", 9)}
    assert called(trace) - outside(trace) == {("127.0.0.1", 9)}
    assert len({line.split()[0] for line in trace.read_text().splitlines() if "192.0.2.1" in line}) == 2
