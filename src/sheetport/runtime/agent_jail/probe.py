"""Tries, inside a jail, what a jail has to prevent; writes what succeeded as a JSON list. Run as a file of its own.

``probe.py FILE PORT``: a file outside the jail that everybody may read, and a port of this machine that listens.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
from collections.abc import Callable

_libc = ctypes.CDLL(None, use_errno=True)
_NEW_USER, _TRACE_ME = 0x10000000, 0


def _connected(*address: object) -> bool:
    with socket.socket() as trying:
        trying.settimeout(0.3)
        trying.connect(address)
    return True


def _forked() -> bool:
    child = os.fork()
    if child == 0:
        os._exit(0)
    return True


def _written() -> bool:
    with open("/agent/probe", "w", encoding="utf-8"):
        return True


def attempts(file: str, port: int) -> dict[str, Callable[[], bool]]:
    """By name; each returns True when it succeeded, and raises OSError or returns False when it was refused."""
    return {
        "reading a file outside": lambda: bool(os.open(file, os.O_RDONLY)),
        "reading the machine's users": lambda: bool(os.open("/etc/passwd", os.O_RDONLY)),
        "writing outside its folder": _written,
        "seeing other processes": lambda: len([each for each in os.listdir("/proc") if each.isdigit()]) > 1,
        "connecting to this machine": lambda: _connected("127.0.0.1", port),
        "connecting to a metadata service": lambda: _connected("169.254.169.254", 80),
        "starting a process": _forked,
        "a user namespace": lambda: _libc.unshare(_NEW_USER) == 0,
        "tracing": lambda: _libc.ptrace(_TRACE_ME, 0, 0, 0) == 0,
        "mounting": lambda: _libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0,
        "a raw socket": lambda: bool(socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),
        "a netlink socket": lambda: bool(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)),
    }


def main() -> None:
    """Writes the names of what succeeded."""
    succeeded = []
    for name, attempt in attempts(sys.argv[1], int(sys.argv[2])).items():
        try:
            if attempt():
                succeeded.append(name)
        except OSError:
            continue
    sys.stdout.write(json.dumps(succeeded))


if __name__ == "__main__":
    main()
