"""Named places where a crash test stops the process dead.

A point does nothing unless ``SHEETPORT_KILL_AT=name[:n]`` names it; the n-th passage (default the
first) then kills the process with SIGKILL, as a power cut would. Every site that commits has one
before and one after; a test walks this list.
"""

from __future__ import annotations

import os
import signal

POINTS = {
    "sqlite.before-commit": "the writer has run a turn's statements and not committed them",
    "sqlite.after-commit": "the turn is durable and nobody has been told",
    "postgresql.before-commit": "the transaction's statements have run and are not committed",
    "postgresql.after-commit": "the transaction is durable and nobody has been told",
    "events.before-number": "committed events have been given positions, in a transaction that is not committed",
    "events.before-wake": "committed events have positions and subscribers have not been woken",
    "events.before-reply": "a long poll has messages and has not sent them",
    "webhooks.after-turn": "deliveries are handed out, durably, and none has been sent",
    "webhooks.after-answer": "a receiver has taken an event and nobody has written it down",
    "secrets.before-rekeyed": "some values are sealed under another data key, in a transaction that is not committed",
    "secrets.before-rewrapped": "some data keys are sealed under another key-encryption key, not committed",
    "keys.before-file": "a new key file is written beside the old one and not in its place",
    "keys.before-current": "the key file holds a new key-encryption key that the database does not know of",
    "keys.before-drop": "no data key is under an old key-encryption key, and the key file still holds it",
    "restore.before-end": "a backup's rows are in the new database and the security epoch is the old one",
    "restore.before-move": "the new database is whole and not in its place",
    "restore.before-open": "the new database is in its place and servers are still refused",
}

_name, _, _count = os.environ.get("SHEETPORT_KILL_AT", "").partition(":")
_left = int(_count or 1)


def kill_point(name: str) -> None:
    """Die here if this passage is the one the environment names."""
    global _left
    if name != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
