"""Jobs that the server itself does, in the transaction that makes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sheetport.features.jobs.model import Job
from sheetport.kernel.actor import Actor
from sheetport.storage.unit_of_work import UnitOfWork

#: Does a job of the caller's; its outcome. What it raises refuses the job.
Serve = Callable[[UnitOfWork, Actor, Job], Awaitable[dict[str, Any]]]
_SERVED: dict[str, Serve] = {}


def serve_jobs(name: str, serve: Serve) -> None:
    """Have ``serve`` do the jobs of a name such as ``agent:agent-export`` that are made to run at once."""
    _SERVED[name] = serve


def find_server(name: str) -> Serve | None:
    """What does the jobs of a name; None where listeners do."""
    return _SERVED.get(name)
