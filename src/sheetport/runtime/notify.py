"""Tells systemd how the server does, when systemd has asked (``Type=notify``)."""

from __future__ import annotations

import os
import socket
import time

import structlog

_VARIABLE = "NOTIFY_SOCKET"
_log = structlog.get_logger()


def notify(state: str) -> None:
    """Send ``READY``, ``RELOADING`` or ``STOPPING``; nothing happens where nobody listens."""
    address = os.environ.get(_VARIABLE)
    if not address:
        return
    message = f"{state}=1"
    if state == "RELOADING":
        message += f"\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.connect(f"\0{address[1:]}" if address.startswith("@") else address)
            manager.sendall(message.encode())
    except OSError as error:
        _log.warning("systemd.not-told", state=state, error=type(error).__name__)


def without_manager(environment: dict[str, str]) -> dict[str, str]:
    """The environment for a process that is not the one systemd watches."""
    return {name: value for name, value in environment.items() if name != _VARIABLE}
