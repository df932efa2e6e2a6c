"""How many connections the server may hold: each is an open file."""

from __future__ import annotations

import resource


def allow_many() -> None:
    """Raise this process's limit of open files, often 1,024, to what the machine allows it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
