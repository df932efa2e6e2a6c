"""What lies in this process's memory stays there: no core dump, and no look into it by others of the same user."""

from __future__ import annotations

import ctypes
import resource

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
