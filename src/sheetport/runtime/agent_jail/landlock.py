"""What a jailed program may open, by Landlock: everything that is not listed is refused, whoever owns it."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable

from sheetport.runtime.agent_jail import calls

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_READ = _READ_FILE | _READ_DIR
#: Rights by the version that brought them: the first 13, then links across folders, truncating, device controls.
_FIRST_RIGHTS, _REFER, _TRUNCATE, _IOCTL = (1 << 13) - 1, 1 << 13, 1 << 14, 1 << 15
#: Device nodes are not made.
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_BIND_TCP, _CONNECT_TCP = 1, 2
_SCOPED = 3  # abstract local sockets and signals stay among the program's own
_PATH, _PORT = 1, 2


def restrict(
    *,
    execute: Iterable[str] = (),
    read: Iterable[str] = (),
    write: Iterable[str] = (),
    ports: Iterable[int] | None = None,
) -> int:
    """Binds this process for good; returns the version of Landlock that does it, 0 when the kernel has none.

    ``ports`` None leaves connections alone; else TCP connects to these ports only and listens on none.
    """
    version = calls.landlock_version()
    if version == 0:
        return 0
    handled = _FIRST_RIGHTS | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    handled |= _IOCTL if version >= 5 else 0
    nets = _BIND_TCP | _CONNECT_TCP if ports is not None and version >= 4 else 0
    attributes = struct.pack("QQQ", handled, nets, _SCOPED if version >= 6 else 0)
    ruleset = calls.landlock_ruleset(attributes[: 8 if version < 4 else 16 if version < 6 else 24])
    writable = handled & ~(_EXECUTE | _MAKE_CHAR | _MAKE_BLOCK | _IOCTL)
    for paths, rights in ((execute, _EXECUTE | _READ), (read, _READ), (write, writable)):
        for path in paths:
            _allow(ruleset, path, rights)
    for port in ports or () if nets else ():
        calls.landlock_rule(ruleset, _PORT, struct.pack("QQ", _CONNECT_TCP, port))
    calls.landlock_restrict(ruleset)
    os.close(ruleset)
    return version


def _allow(ruleset: int, path: str, rights: int) -> None:
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= _OF_FILES
        calls.landlock_rule(ruleset, _PATH, struct.pack("=Qi", rights, opened))
    finally:
        os.close(opened)
