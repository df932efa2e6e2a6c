"""The filter of system calls: what no agent needs, and what has been a way out of sandboxes.

It forbids by name rather than allowing by name: runtimes need most calls, and which ones changes with their versions.
What is left reaches only what namespaces and Landlock leave.
"""

from __future__ import annotations

import struct

#: Names with their numbers on x86_64 and aarch64; None where the architecture has no such call.
FORBIDDEN: dict[str, tuple[int | None, int | None]] = {
    # other processes, and new ones: threads pass the check of clone below
    "fork": (57, None),
    "vfork": (58, None),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "process_madvise": (440, 440),
    # namespaces, mounts, roots
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    # large and seldom used parts of the kernel
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "personality": (135, 92),
    "modify_ldt": (154, None),
    "fanotify_init": (300, 262),
    "lookup_dcookie": (212, 18),
    "vmsplice": (278, 75),
    # the machine itself
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
    "uselib": (134, None),
    "nfsservctl": (180, 42),
}
_CLONE, _CLONE3, _SOCKET = (56, 220), (435, 435), (41, 198)
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
#: AF_UNIX, AF_INET, AF_INET6: no netlink, raw packets, virtual machines or kernel crypto.
_FAMILIES = (1, 2, 10)
_STREAM = 1
_CLONE_THREAD = 0x10000
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN, _AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_AT, _SECOND_AT = 0, 4, 16, 24


def supported(machine: str) -> bool:
    """Whether the numbers of this architecture are known here."""
    return machine in _ARCHITECTURES


def forbidding(machine: str, *, datagrams: bool = True) -> bytes:
    """The BPF program for an architecture such as "x86_64". Without ``datagrams`` sockets are TCP or local."""
    column, architecture = _ARCHITECTURES[machine]
    program = [
        _op(_LOAD, _ARCHITECTURE_AT),
        _op(_EQUAL, architecture, 1, 0),
        _op(_RETURN, _KILL),
        _op(_LOAD, _NUMBER_AT),
    ]
    if machine == "x86_64":  # the same calls under other numbers
        program += [_op(_AT_LEAST, 0x40000000, 0, 1), _refuse(_ENOSYS)]
    for numbers in FORBIDDEN.values():
        number = numbers[column]
        if number is not None:
            program += [_op(_EQUAL, number, 0, 1), _refuse(_EPERM)]
    # The C library falls back from clone3, whose flags cannot be looked at, to clone.
    program += [_op(_EQUAL, _CLONE3[column], 0, 1), _refuse(_ENOSYS)]
    threads_only = [_op(_LOAD, _FIRST_AT), _op(_ANY_BIT, _CLONE_THREAD, 1, 0), _refuse(_EPERM), _op(_RETURN, _ALLOW)]
    program += [_op(_EQUAL, _CLONE[column], 0, len(threads_only)), *threads_only]
    sockets = _sockets(datagrams)
    program += [_op(_EQUAL, _SOCKET[column], 0, len(sockets)), *sockets, _op(_RETURN, _ALLOW)]
    return b"".join(program)


def _sockets(datagrams: bool) -> list[bytes]:
    checks = [_op(_LOAD, _FIRST_AT)]
    for place, family in enumerate(_FAMILIES):
        checks.append(_op(_EQUAL, family, len(_FAMILIES) - place, 0))
    checks.append(_refuse(_EAFNOSUPPORT))
    if not datagrams:  # local sockets pass; of the others the low bits of the type say whether it is TCP
        checks += [_op(_EQUAL, _FAMILIES[0], 4, 0), _op(_LOAD, _SECOND_AT), _op(_AND, 0xF)]
        checks += [_op(_EQUAL, _STREAM, 1, 0), _refuse(_EPERM)]
    return [*checks, _op(_RETURN, _ALLOW)]


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _refuse(number: int) -> bytes:
    return _op(_RETURN, _ERRNO | number)
