"""One request or task is one unit of work, committed once at the edge.

Services are coroutines over a :class:`UnitOfWork`; inside one they await nothing but it. On SQLite that is
enforced: a turn is driven on one thread and a coroutine that waits for anything else is an error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy.sql.elements import ClauseElement

from sheetport.kernel.clock import Clock
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.errors import Unavailable
from sheetport.kernel.request import Request
from sheetport.storage.statements import Compiler, Params, Statement

T = TypeVar("T")
Query = Statement | ClauseElement
NO_PARAMS: Params = {}


@dataclass(frozen=True, slots=True)
class Standing:
    """An account's generation as it was when a caller was verified; it goes up when any right in the account ends."""

    account_id: str
    generation: int


class StaleError(Exception):
    """The caller's standing is not what it was: verify it again."""


@dataclass(slots=True)
class WriterLoad:
    """How busy the writing side is: writes waiting now, writes that had their turn, and seconds they waited in all."""

    waiting: int = 0
    turns: int = 0
    waited: float = 0.0


class Row(Protocol):
    """A result row, read by column name."""

    def __getitem__(self, name: str, /) -> Any: ...

    def keys(self) -> Iterable[str]: ...

    def __iter__(self) -> Iterator[Any]:
        """The values, in the order of the query's columns; some that the database added may follow."""
        ...


class UnitOfWork(Protocol):
    """What services and stores may do with the database, and the context they work in."""

    #: The time of this unit of work, milliseconds since the epoch.
    now: int
    keys: KeyRing
    #: Things kept for the rest of this unit of work, by owner (such as opened data keys).
    memo: dict[str, Any]
    #: Environments whose events this unit of work has written.
    woken: set[str]
    #: Accounts whose verified callers must be forgotten: told to this process after the commit, before the reply.
    bumped: set[str]
    #: The request that this unit of work serves; None for the server's own work.
    request: Request | None
    #: Audit records of what was read here; the unit's caller gets its result once they are sealed and on disk.
    reads: list[dict[str, Any]]
    #: Whether this unit of work has written audit records.
    audited: bool

    async def fetch_all(self, query: Query, params: Params = NO_PARAMS) -> list[Row]: ...

    async def fetch_one(self, query: Query, params: Params = NO_PARAMS) -> Row | None: ...

    async def execute(self, query: Query, params: Params = NO_PARAMS) -> int:
        """Run a statement; the number of rows it touched."""
        ...

    async def execute_many(self, query: Query, rows: Iterable[Params]) -> None:
        """Run a statement once per row of parameters."""
        ...

    async def bulk_insert(self, table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
        """Insert many rows the fastest way the database has."""
        ...

    async def add_events(self, rows: list[dict[str, Any]]) -> None:
        """Write event rows; the database gives their positions in commit order."""
        ...

    async def add_audit(self, row: dict[str, Any]) -> None:
        """Write an audit record, which a chain seals after the commit."""
        ...

    async def claim(self, chore: str) -> bool:
        """Whether a chore that one process at a time does is this unit of work's until its end."""
        ...


Work = Callable[[UnitOfWork], Awaitable[T]]
#: Called in the event loop with environment ids (new events) or account ids (bumped).
Listener = Callable[[frozenset[str]], None]
#: Seals audit records of reads; returns once they are on disk. Raises Unavailable.
SealReads = Callable[[list[dict[str, Any]]], Awaitable[None]]


class Database(Protocol):
    """An open database."""

    #: Whether other processes may write to it too.
    shared: bool
    clock: Clock
    keys: KeyRing
    load: WriterLoad
    #: Whether the audit log can be written. While it cannot, a write that shows what must be recorded is refused.
    log_ready: bool
    #: The newest number in the order of commit that the log has sealed, where one writer gives such numbers.
    audit_floor: int

    @property
    def log(self) -> Database:
        """Where the audit log's chains lie: a file of its own on SQLite, this very database on PostgreSQL."""
        ...

    @property
    def version(self) -> int | None:
        """Goes up with every commit, before its caller is answered; None where other processes commit too."""
        ...

    async def read(self, work: Work[T], *, heavy: bool = False, standing: Standing | None = None) -> T:
        """Run ``work`` with no right to write. ``heavy`` keeps long reads off the event loop.

        With a ``standing``, the first query of ``work`` sees it hold, or StaleError is raised.
        """
        ...

    async def write(self, work: Work[T], *, bulk: bool = False, lane: str = "") -> T:
        """Run ``work`` and commit it, or roll it back and raise what it raised.

        ``lane`` is the environment (or account), over which a busy writer is shared fairly; ``bulk`` work
        gives way to small work.
        """
        ...

    def on_events(self, listener: Listener) -> None:
        """Have ``listener`` called after a commit with the environments that have new events; ``*`` is all."""
        ...

    def on_bump(self, listener: Listener) -> None:
        """Have ``listener`` called after a commit, before its caller is answered, with the bumped accounts."""
        ...

    def on_audit(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called after a commit that wrote audit records."""
        ...

    def on_reads(self, seal: SealReads) -> None:
        """Have ``seal`` awaited between a unit of work that recorded reads and its caller's result."""
        ...

    def on_outdated_keys(self, renew: Callable[[], Awaitable[None]]) -> None:
        """Have ``renew`` awaited where another process has rotated keys; the work is then done once more."""
        ...

    async def close(self) -> None: ...


def require_log(unit: UnitOfWork, *, ready: bool) -> None:
    """Refuse, before its commit, a write whose result could not be sent. Raises Unavailable."""
    if unit.reads and not ready:
        raise Unavailable("The audit log cannot be written, so nothing was changed. Try again in a moment.", "audit")


async def refuse_reads(_: list[dict[str, Any]]) -> None:
    """What seals reads until somebody does: nobody gets to see what is not recorded."""
    raise Unavailable("The audit log is not open, so nothing that must be recorded there is sent.", "audit")


def tell(listeners: Iterable[Listener], names: set[str]) -> None:
    """Call every listener with the names."""
    frozen = frozenset(names)
    for listener in listeners:
        listener(frozen)


__all__ = [
    "NO_PARAMS",
    "Compiler",
    "Database",
    "Params",
    "Query",
    "Row",
    "SealReads",
    "StaleError",
    "Standing",
    "Statement",
    "UnitOfWork",
    "Work",
    "WriterLoad",
    "refuse_reads",
    "require_log",
]
