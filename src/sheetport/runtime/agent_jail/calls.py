"""The kernel's calls that the standard library does not have. All raise OSError."""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE, MS_RELATIME = 0x1000, 0x4000, 0x40000, 0x200000
_MS_NOATIME, _MS_NODIRATIME, _ST_RELATIME = 1024, 2048, 4096
_MNT_DETACH = 2
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_SET_CHILD_SUBREAPER = 1, 4, 38, 22, 36
_SECCOMP_MODE_FILTER = 2
#: The same on every architecture: these calls are younger than the common table.
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else os.fsencode(text)


def unshare(flags: int) -> None:
    """Moves this process, and for pids its children, into new namespaces."""
    _checked(_libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """mount(2)."""
    result = _libc.mount(_bytes(source), _bytes(target), _bytes(kind), ctypes.c_ulong(flags), _bytes(options))
    _checked(result, f"mount of {target}")


def bind(source: str, target: str, *, read_only: bool, devices: bool = False) -> None:
    """Shows ``source`` at ``target``, which exists. What its own mount forbids stays forbidden."""
    mount(source, target, None, MS_BIND | MS_REC)
    found = os.statvfs(target).f_flag
    kept = found & (MS_NOSUID | MS_NODEV | MS_NOEXEC | _MS_NOATIME | _MS_NODIRATIME)
    kept |= MS_RELATIME if found & _ST_RELATIME else 0
    kept |= MS_NOSUID | (0 if devices else MS_NODEV) | (MS_RDONLY if read_only or found & MS_RDONLY else 0)
    mount(None, target, None, MS_BIND | MS_REMOUNT | kept)


def change_root(folder: str) -> None:
    """Makes a mount the root and lets go of the old one."""
    os.chdir(folder)
    number = _PIVOT_ROOT[os.uname().machine]
    _checked(_libc.syscall(ctypes.c_long(number), b".", b"."), "pivot_root")
    _checked(_libc.umount2(b".", ctypes.c_int(_MNT_DETACH)), "umount of the old root")
    os.chdir("/")


def prctl(option: int, *arguments: int) -> None:
    """prctl(2) with numbers only."""
    padded = [*arguments, 0, 0, 0, 0][:4]
    _checked(_libc.prctl(ctypes.c_int(option), *map(ctypes.c_ulong, padded)), f"prctl {option}")


def die_with_parent() -> None:
    """SIGKILL for this process when its parent ends. Changing the user takes this back."""
    prctl(_PR_SET_PDEATHSIG, 9)


def stay_readable() -> None:
    """Lets this process write its own files in /proc, which changing the user took away."""
    prctl(_PR_SET_DUMPABLE, 1)


def adopt_orphans() -> None:
    """Makes descendants whose parent ended children of this process."""
    prctl(_PR_SET_CHILD_SUBREAPER, 1)


def no_new_privileges() -> None:
    """From here on no program gains rights by being started."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def filter_calls(instructions: bytes) -> None:
    """Installs a BPF program (8 bytes an instruction) that judges every later system call."""
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    program = _Program(len(instructions) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    result = _libc.prctl(ctypes.c_int(_PR_SET_SECCOMP), ctypes.c_ulong(_SECCOMP_MODE_FILTER), ctypes.byref(program))
    _checked(result, "seccomp")


def landlock_version() -> int:
    """Which Landlock the kernel has; 0 for none."""
    version: int = _libc.syscall(ctypes.c_long(_LANDLOCK_CREATE), None, ctypes.c_size_t(0), ctypes.c_uint(1))
    return max(version, 0)


def landlock_ruleset(attributes: bytes) -> int:
    """A ruleset's file descriptor."""
    size = ctypes.c_size_t(len(attributes))
    result = _libc.syscall(ctypes.c_long(_LANDLOCK_CREATE), attributes, size, ctypes.c_uint(0))
    return _checked(result, "landlock_create_ruleset")


def landlock_rule(ruleset: int, kind: int, attributes: bytes) -> None:
    """Adds a rule: kind 1 below a path, kind 2 a TCP port."""
    number, zero = ctypes.c_long(_LANDLOCK_ADD), ctypes.c_uint(0)
    _checked(_libc.syscall(number, ruleset, ctypes.c_int(kind), attributes, zero), "landlock_add_rule")


def landlock_restrict(ruleset: int) -> None:
    """Binds this thread and all it starts to the ruleset."""
    _checked(_libc.syscall(ctypes.c_long(_LANDLOCK_RESTRICT), ruleset, ctypes.c_uint(0)), "landlock_restrict_self")
