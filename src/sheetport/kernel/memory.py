"""This process's memory: what lies in it stays there, and what is built to stay is not searched for garbage."""

from __future__ import annotations

import ctypes
import gc
import resource
from collections.abc import Iterator
from contextlib import contextmanager

_PR_SET_DUMPABLE = 4


def forbid_dumps() -> None:
    """Have the kernel write no core of this process, and let nobody but root attach to it or read its memory.

    Processes that it starts inherit the first only: each calls this at its own beginning.
    """
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, "prctl", None) is not None:  # Linux only
        library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


@contextmanager
def building() -> Iterator[None]:
    """For what loads modules and builds what stays: nothing of it is garbage, so nothing looks for garbage in it."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
