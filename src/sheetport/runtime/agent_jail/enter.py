"""From a plain child process to a jailed program, step by step. Every step that fails raises OSError."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import socket
import struct
from collections.abc import Mapping
from typing import Any, TypedDict

from sheetport.runtime.agent_jail import calls, landlock
from sheetport.runtime.agent_jail.system_calls import forbidding

#: Who a jailed program is inside, and outside too when the server runs as root.
USER = 65_534
#: The one folder that it may write, made new for it.
TEMPORARY = "/tmp"  # noqa: S108 - the jail's own  # nosec B108
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_SPACES = calls.CLONE_NEWNS | calls.CLONE_NEWUTS | calls.CLONE_NEWIPC | calls.CLONE_NEWPID | calls.CLONE_NEWNET
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_BACKLOG = 64


class Jail(TypedDict):
    """What a launch asks for; it travels as JSON."""

    #: Without namespaces "{gates}" stands for the addresses of ``ports``.
    command: list[str]
    environment: dict[str, str]
    #: An empty folder, which becomes the jail's root in namespaces of its own.
    root: str
    #: [from, to]: shown read-only inside, file or folder. Without namespaces ``to`` does not count.
    shown: list[list[str]]
    #: Of ``shown``, by the path inside, what may be executed.
    executable: list[str]
    #: Inside namespaces /tmp of this many bytes; without them this folder of the host is the writable one.
    temporary_bytes: int
    temporary: str
    #: Ports on which connections to the outside are accepted for the program; 0 is any free one.
    ports: list[int]
    #: TCP ports that may be connected to where there is no network namespace.
    reachable: list[int]
    namespaces: bool
    #: [name of resource.RLIMIT_*, value]
    limits: list[list[Any]]


def separate() -> None:
    """New namespaces for this process; its next child is the first process of its own."""
    if os.geteuid() == 0:
        try:
            calls.unshare(_SPACES)
        except PermissionError:
            pass  # root of a container without the right to; as for everybody else
        else:
            return
    _own_user_namespace(_SPACES)


def _own_user_namespace(others: int = 0) -> None:
    """In it this process is USER, whoever it is outside, and its threads are counted apart from everybody else's."""
    user, group = os.geteuid(), os.getegid()
    calls.unshare(others | calls.CLONE_NEWUSER)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{USER} {user} 1")
    _write("/proc/self/gid_map", f"{USER} {group} 1")


def raise_loopback() -> None:
    """Brings up the only network device of a new network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        _, flags = struct.unpack("16sH14x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def listen(jail: Jail) -> list[socket.socket]:
    """The sockets through which connections of the program leave: bound here, accepted on by the server."""
    found = []
    for port in jail["ports"]:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        address = "0.0.0.0" if jail["namespaces"] else "127.0.0.1"  # noqa: S104 - only the namespace's own  # nosec B104
        listening.bind((address, port))
        listening.listen(_BACKLOG)
        found.append(listening)
    return found


def name_ports(jail: Jail, listening: list[socket.socket]) -> None:
    """Without a network namespace: which of this machine's ports were taken, for the command and for Landlock."""
    ports = [each.getsockname()[1] for each in listening]
    gates = ",".join(f"127.0.0.1:{port}" for port in ports)
    jail["command"] = [each.replace("{gates}", gates) for each in jail["command"]]
    jail["reachable"] = [*jail["reachable"], *ports]


def furnish(jail: Jail) -> None:
    """Makes the jail's root: what is shown, a private /tmp, its own /proc, and nothing else."""
    root = jail["root"]
    calls.mount(None, "/", None, calls.MS_REC | calls.MS_PRIVATE)
    calls.mount("jail", root, "tmpfs", calls.MS_NOSUID | calls.MS_NODEV, "size=256k,mode=0755")
    for source, target in jail["shown"]:
        place = root + target
        _make(place, folder=os.path.isdir(source))
        calls.bind(source, place, read_only=True)
    for device in _DEVICES:
        _make(root + device, folder=False)
        calls.bind(device, root + device, read_only=False, devices=True)
    _make(f"{root}/proc", folder=True)
    _make(root + TEMPORARY, folder=True)
    closed = calls.MS_NOSUID | calls.MS_NODEV | calls.MS_NOEXEC
    calls.mount("proc", f"{root}/proc", "proc", closed)
    calls.mount("tmp", root + TEMPORARY, "tmpfs", closed, f"size={jail['temporary_bytes']},mode=1777")
    calls.change_root(root)
    calls.mount(None, "/", None, calls.MS_REMOUNT | calls.MS_BIND | calls.MS_RDONLY | calls.MS_NOSUID | calls.MS_NODEV)


def give_up_rights(jail: Jail) -> dict[str, Any]:
    """Leaves root, binds this process by limits, Landlock and the filter of calls; says what holds it."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(USER, USER, USER)
        os.setresuid(USER, USER, USER)
        if jail["namespaces"]:
            calls.stay_readable()
            _own_user_namespace()
    calls.die_with_parent()
    os.umask(0o077)
    for name, value in jail["limits"]:
        if name != "RLIMIT_NPROC" or jail["namespaces"]:  # elsewhere it would count all processes of the user
            _limit(getattr(resource, name), int(value))
    calls.no_new_privileges()
    inside = jail["namespaces"]
    shown = [target if inside else source for source, target in jail["shown"]]
    if inside:  # the folders around hold nothing else there, and some runtimes list them
        shown += {os.path.dirname(each) for each in shown} - {"/"}
    version = landlock.restrict(
        execute=jail["executable"],
        read=[*shown, *(["/proc"] if inside else ["/proc/self"])],
        write=[TEMPORARY if inside else jail["temporary"], *_DEVICES],
        ports=None if inside else jail["reachable"],
    )
    calls.filter_calls(forbidding(os.uname().machine, datagrams=inside))
    return {"namespaces": inside, "landlock": version, "system_calls": True}


def start(jail: Jail, environment: Mapping[str, str]) -> None:
    """Becomes the program."""
    os.chdir(TEMPORARY if jail["namespaces"] else jail["temporary"])
    os.execve(jail["command"][0], jail["command"], dict(environment))  # noqa: S606 - no shell


def _limit(which: int, value: int) -> None:
    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def _make(path: str, *, folder: bool) -> None:
    if folder:
        os.makedirs(path, mode=0o755, exist_ok=True)
        return
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644))


def _write(path: str, text: str) -> None:
    # Bytes: inside the jail there are no modules of codecs left to load.
    opened = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(opened, text.encode())
    finally:
        os.close(opened)
