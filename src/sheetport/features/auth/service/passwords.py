"""Passwords: which may be one, and argon2id, hashed beside the event loop by a few threads at 46 MiB each.

Never call these inside a unit of work: it would hold a database turn for the time of a hash.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import BoundedSemaphore
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from sheetport.features.auth.service.password_rules import check_password, one_spelling
from sheetport.kernel.errors import Unavailable

T = TypeVar("T")
#: One core less than there are, which is left to all other requests.
THREADS = max(1, min(4, (os.cpu_count() or 1) - 1))
#: Hashes under way or waiting; one more is told to come back, so that neither memory nor waits grow without end.
MAX_WAITING = 64
#: On Linux a thread has a priority of its own.
NICENESS = 10
#: With today's costs, of a random value that nobody knows: what an address without a password is compared to.
DUMMY_HASH = "$argon2id$v=19$m=47104,t=1,p=1$ZFQQvdLZTzrkqRh/hdOoTw$g3Kov+AhnE4d2JPJUC79CkLJfJuQLhcvoaiFW7AaJ7U"


def _give_way() -> None:
    """Let everything else of the server come first: a flood of sign-ins must not hold up who is signed in."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


_hasher = PasswordHasher(time_cost=1, memory_cost=46 * 1024, parallelism=1, type=Type.ID)
_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="password", initializer=_give_way)
_places = BoundedSemaphore(MAX_WAITING)


async def hash_password(password: str, context: tuple[str, ...] = (), *, second_factor: bool = False) -> str:
    """The hash to store for a new password. Raises Invalid (see :func:`check_password`) and Unavailable."""
    return await _beside(lambda: hash_new_password(password, context, second_factor=second_factor))


def hash_new_password(password: str, context: tuple[str, ...] = (), *, second_factor: bool = False) -> str:
    """:func:`hash_password` without an event loop, for the command line."""
    check_password(password, context, second_factor=second_factor)
    return _hasher.hash(_encoded(password))


async def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password is the hash's. None, for no such user, takes as long and is False. Raises Unavailable."""
    return await _beside(lambda: _verify(password_hash or DUMMY_HASH, password)) and password_hash is not None


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, _encoded(password))
    except (VerificationError, InvalidHashError):
        return False


async def _beside(work: Callable[[], T]) -> T:
    """Run the work on one of the few threads."""
    if not _places.acquire(blocking=False):
        raise Unavailable("Too many sign-ins at this moment; try again in a few seconds.", "auth")
    future = _pool.submit(work)
    future.add_done_callback(lambda _: _places.release())
    return await asyncio.wrap_future(future)


def _encoded(password: str) -> bytes:
    return one_spelling(password).encode("utf-8", "surrogatepass")
