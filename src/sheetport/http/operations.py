"""The operations of the public clients, and what this server answers to each.

``operations.json`` is written by scripts/compatibility.py from the clients' own description and from answers that were
checked against it.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

#: yes: its answer was checked against the client's description and is read by the client's own model.
#: partly: served, with the reason beside it. no: answered 501. None: this client has no such method.
Verdict = Literal["yes", "partly", "no"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
OPERATIONS_PATH = Path(__file__).with_name("operations.json")
#: The releases of npm ``@flatfile/api`` and PyPI ``flatfile`` that this is about.
NPM_VERSION, PYTHON_VERSION = "1.23.1", "1.0.0"
#: The page that tells what is not there, by each operation's name.
PAGE = "/reference/compatibility"


class Operation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call: its names in npm ``@flatfile/api`` (the first is the present one) and PyPI ``flatfile``."""

    method: Method
    path: str
    npm: list[str]
    npm_verdict: Verdict
    python: str | None = None
    python_verdict: Verdict | None = None
    reason: str = ""

    @property
    def name(self) -> str:
        """The name the operation goes by in the reference and on the page."""
        return self.npm[0]

    @property
    def resource(self) -> str:
        """The client's object that has the method."""
        return self.name.rpartition(".")[0]


@cache
def operations() -> tuple[Operation, ...]:
    """Every operation, as it is in the file."""
    return msgspec.json.decode(OPERATIONS_PATH.read_bytes(), type=tuple[Operation, ...])


@cache
def operation_at(method: str, path: str) -> Operation | None:
    """The operation of a route, whatever its parameters are called; None for a route of our own."""
    return _by_route().get((method, plain(path)))


@cache
def _by_route() -> dict[tuple[str, str], Operation]:
    return {(operation.method, plain(operation.path)): operation for operation in operations()}


def plain(path: str) -> str:
    """A path without the names of its parameters."""
    return re.sub(r"\{[^}]*\}", "{}", path)
