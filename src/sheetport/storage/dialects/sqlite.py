"""SQLite: one process, one writer thread that gives turns, readers in the event loop or a reader thread.

A turn is one transaction: the writer thread drives the whole unit of work without a hop, since it awaits
nothing but the database. Turns are given first come first served, small ones before bulk ones and round
robin over environments, so that one tenant's import never starves another's click.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from sheetport.kernel.clock import Clock
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.errors import Unavailable
from sheetport.kernel.killpoints import kill_point
from sheetport.kernel.request import Request, current_request
from sheetport.storage.dialects import faults
from sheetport.storage.dialects.audit_sql import INSERT_ORDERED
from sheetport.storage.dialects.event_sql import ADVANCE_HEAD, INSERT_NUMBERED
from sheetport.storage.statements import SQLITE, Params
from sheetport.storage.unit_of_work import (
    NO_PARAMS,
    Database,
    Listener,
    Query,
    Row,
    SealReads,
    Standing,
    Work,
    WriterLoad,
    refuse_reads,
    require_log,
    tell,
)

T = TypeVar("T")
READERS = 2
#: The write-ahead log is checkpointed by the writer alone, when it has this many pages.
CHECKPOINT_PAGES = 1_000


def connect(path: Path, *, writer: bool) -> sqlite3.Connection:
    """A connection set up for its role."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    try:
        _set_up(connection, writer=writer)
    except sqlite3.Error as error:
        connection.close()
        raise faults.of_sqlite(error) from None
    return connection


def run_script(path: Path, statements: Iterable[str]) -> None:
    """Run statements on a file, each committed by itself; the file is made if it is not there. Raises Unavailable."""
    with closing(connect(path, writer=True)) as connection:
        try:
            for sql in statements:
                connection.execute(sql)
        except sqlite3.Error as error:
            raise faults.of_sqlite(error) from None


def _set_up(connection: sqlite3.Connection, *, writer: bool) -> None:
    connection.row_factory = sqlite3.Row
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "mmap_size=0",
        "temp_store=MEMORY",
        "busy_timeout=5000",
        f"wal_autocheckpoint={CHECKPOINT_PAGES if writer else 0}",
        f"query_only={'OFF' if writer else 'ON'}",
        "cache_size=-16000" if writer else "cache_size=-8000",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that only awaits the database, which never makes it wait."""
    try:
        work.send(None)
    except StopIteration as stop:
        return cast(T, stop.value)
    work.close()
    raise RuntimeError("a unit of work awaited something other than the database")


class SqliteUnit:
    """A unit of work on one connection."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        clock: Clock,
        keys: KeyRing,
        request: Request | None = None,
        audit_floor: int = 0,
    ) -> None:
        self._connection = connection
        self.now = clock.now()
        self.keys = keys
        self.memo: dict[str, Any] = {}
        self.woken: set[str] = set()
        self.bumped: set[str] = set()
        self.request = request
        self.reads: list[dict[str, Any]] = []
        self.audited = False
        self._audit_floor = audit_floor

    def _run(self, query: Query, params: Params) -> sqlite3.Cursor:
        compiled = SQLITE.resolve(query)
        return self._connection.execute(compiled.sql, compiled.values(params))

    async def fetch_all(self, query: Query, params: Params = NO_PARAMS) -> list[Row]:
        return cast("list[Row]", self._run(query, params).fetchall())

    async def fetch_one(self, query: Query, params: Params = NO_PARAMS) -> Row | None:
        rows = self._run(query, params).fetchall()  # to the end: a half-read RETURNING has not run
        return cast("Row", rows[0]) if rows else None

    async def execute(self, query: Query, params: Params = NO_PARAMS) -> int:
        return self._run(query, params).rowcount

    async def execute_many(self, query: Query, rows: Iterable[Params]) -> None:
        compiled = SQLITE.resolve(query)
        self._connection.executemany(compiled.sql, [compiled.values(row) for row in rows])

    async def bulk_insert(self, table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
        marks = ", ".join("?" * len(columns))
        self._connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608 - names of our own schema  # nosec B608

    async def add_events(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:  # the one writer's order is the order
            environment = row["environment_id"]
            head = await self.fetch_one(ADVANCE_HEAD, {"environment": environment, "count": 1})
            if head is None:
                raise LookupError(f"environment {environment} has no event head")
            await self.execute(INSERT_NUMBERED, {**row, "position": head["position"], "seq": head["position"]})
            self.woken.add(environment)

    async def add_audit(self, row: dict[str, Any]) -> None:
        await self.execute(INSERT_ORDERED, row | {"floor": self._audit_floor})
        self.audited = True

    async def claim(self, chore: str) -> bool:
        return True  # one process, one writer


@dataclass(slots=True)
class _Turn(Generic[T]):
    work: Work[T]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[T]
    since: float
    request: Request | None
    reads: list[dict[str, Any]]


class _Turnstile:
    """Whose turn is next: small before bulk, round robin over lanes, first come first served in a lane."""

    def __init__(self) -> None:
        self._ready = threading.Condition()
        self._small: OrderedDict[str, deque[_Turn[Any]]] = OrderedDict()
        self._bulk: OrderedDict[str, deque[_Turn[Any]]] = OrderedDict()
        self._closed = False
        self.load = WriterLoad()

    def put(self, turn: _Turn[Any], lane: str, *, bulk: bool) -> None:
        with self._ready:
            if self._closed:
                raise Unavailable("The server is stopping; try again in a moment.")
            lanes = self._bulk if bulk else self._small
            lanes.setdefault(lane, deque()).append(turn)
            self.load.waiting += 1
            self._ready.notify()

    def take(self) -> _Turn[Any] | None:
        """The next turn; None once closed and empty."""
        with self._ready:
            while not self._small and not self._bulk:
                if self._closed:
                    return None
                self._ready.wait()
            lanes = self._small or self._bulk
            lane, waiting = lanes.popitem(last=False)
            turn = waiting.popleft()
            if waiting:
                lanes[lane] = waiting  # to the back: the other lanes come first
            self.load.waiting -= 1
            self.load.turns += 1
            self.load.waited += time.monotonic() - turn.since
            return turn

    def close(self) -> None:
        with self._ready:
            self._closed = True
            self._ready.notify_all()


class SqliteDatabase:
    """The one-machine database."""

    shared = False
    log_ready = True
    audit_floor = 0

    def __init__(self, path: Path, clock: Clock, keys: KeyRing, log: SqliteDatabase | None = None) -> None:
        self.clock = clock
        self.keys = keys
        self._log = log
        self._commits = 0
        self._writer = connect(path, writer=True)
        self._loop_reader = connect(path, writer=False)
        self._readers = ThreadPoolExecutor(READERS, "reader")
        self._thread_readers = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._path = path
        self._event_listeners: list[Listener] = []
        self._bump_listeners: list[Listener] = []
        self._audit_listeners: list[Callable[[], None]] = []
        self._seal_reads: SealReads = refuse_reads
        self._turnstile = _Turnstile()
        self.load = self._turnstile.load
        self._thread = threading.Thread(target=self._give_turns, name="writer", daemon=True)
        self._thread.start()

    @property
    def version(self) -> int | None:
        return self._commits

    @property
    def log(self) -> Database:
        return self._log or self

    def on_events(self, listener: Listener) -> None:
        self._event_listeners.append(listener)

    def on_bump(self, listener: Listener) -> None:
        self._bump_listeners.append(listener)

    def on_audit(self, listener: Callable[[], None]) -> None:
        self._audit_listeners.append(listener)

    def on_reads(self, seal: SealReads) -> None:
        self._seal_reads = seal

    def on_outdated_keys(self, renew: Callable[[], Awaitable[None]]) -> None:
        """Nothing to do: the one process rotates its keys itself."""

    async def read(self, work: Work[T], *, heavy: bool = False, standing: Standing | None = None) -> T:
        # The one process hears of every bump before its caller is answered, so a standing it remembers holds.
        request = current_request.get()
        if heavy:
            loop = asyncio.get_running_loop()
            result, reads = await loop.run_in_executor(self._readers, self._read_in_thread, work, request)
        else:
            # Each statement sees the newest commit, as on PostgreSQL: a transaction around one would cost more.
            unit = SqliteUnit(self._loop_reader, self.clock, self.keys, request)
            result, reads = drive(cast("Coroutine[Any, Any, T]", work(unit))), unit.reads
        if reads:
            await self._seal_reads(reads)
        return result

    async def write(self, work: Work[T], *, bulk: bool = False, lane: str = "") -> T:
        loop = asyncio.get_running_loop()
        turn: _Turn[T] = _Turn(work, loop, loop.create_future(), time.monotonic(), current_request.get(), [])
        self._turnstile.put(turn, lane, bulk=bulk)
        # A caller that goes away must not leave others in doubt: the turn runs to its end regardless.
        result = await asyncio.shield(turn.done)
        if turn.reads:
            await self._seal_reads(turn.reads)
        return result

    async def close(self) -> None:
        self._turnstile.close()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        self._readers.shutdown()
        for connection in (*self._opened, self._loop_reader, self._writer):
            connection.close()
        if self._log is not None:
            await self._log.close()

    def _read_in_thread(self, work: Work[T], request: Request | None) -> tuple[T, list[dict[str, Any]]]:
        connection: sqlite3.Connection | None = getattr(self._thread_readers, "connection", None)
        if connection is None:
            connection = self._thread_readers.connection = connect(self._path, writer=False)
            self._opened.append(connection)
        unit = SqliteUnit(connection, self.clock, self.keys, request)
        return self._read_on(connection, work, unit), unit.reads

    def _read_on(self, connection: sqlite3.Connection, work: Work[T], unit: SqliteUnit) -> T:
        try:
            connection.execute("BEGIN")
            try:
                return drive(cast("Coroutine[Any, Any, T]", work(unit)))
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise faults.of_sqlite(error) from None

    def _give_turns(self) -> None:
        while (turn := self._turnstile.take()) is not None:
            self._run_turn(turn)

    def _run_turn(self, turn: _Turn[Any]) -> None:
        unit = SqliteUnit(self._writer, self.clock, self.keys, turn.request, self.audit_floor)
        unit.reads = turn.reads
        try:
            if self._writer.in_transaction:  # the disk failed during the last turn's rollback too
                self._writer.execute("ROLLBACK")
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                result = drive(cast("Coroutine[Any, Any, Any]", turn.work(unit)))
                require_log(unit, ready=self.log_ready)
                kill_point("sqlite.before-commit")
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
        except BaseException as error:  # noqa: BLE001 - handed to the caller whole
            self._tell(turn, partial(_fail, turn.done, faults.of_sqlite(error)))
            return
        kill_point("sqlite.after-commit")
        self._commits += 1
        self._tell(turn, partial(self._finish, turn, unit, result))

    def _finish(self, turn: _Turn[Any], unit: SqliteUnit, result: Any) -> None:
        if unit.bumped:
            tell(self._bump_listeners, unit.bumped)
        if unit.audited:
            for listener in self._audit_listeners:
                listener()
        if not turn.done.done():
            turn.done.set_result(result)
        if unit.woken:
            kill_point("events.before-wake")
            tell(self._event_listeners, unit.woken)

    @staticmethod
    def _tell(turn: _Turn[Any], call: Callable[[], None]) -> None:
        try:
            turn.loop.call_soon_threadsafe(call)
        except RuntimeError:  # the loop is gone: nobody is left to tell
            return


def _fail(done: asyncio.Future[Any], error: BaseException) -> None:
    if not done.done():
        done.set_exception(error)
