"""PostgreSQL: any number of processes and hosts, one connection a unit of work.

Events are inserted without a position. Once their transaction is committed, a numbering transaction, serial
per environment by the lock on its head row, gives positions in commit order without gaps and tells every
process. Any process may number: a crash between the two is made good by the next one that looks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from typing import Any, TypeVar, cast

import asyncpg
import structlog

from sheetport.kernel.clock import Clock
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.errors import KeysOutdated, Unavailable
from sheetport.kernel.killpoints import kill_point
from sheetport.kernel.request import Request, current_request
from sheetport.storage.dialects import faults
from sheetport.storage.dialects.audit_sql import INSERT
from sheetport.storage.dialects.event_sql import (
    ADVANCE_HEAD,
    INSERT_UNNUMBERED,
    NUMBER,
    UNNUMBERED,
    UNNUMBERED_ENVIRONMENTS,
)
from sheetport.storage.statements import POSTGRESQL, Params
from sheetport.storage.unit_of_work import (
    NO_PARAMS,
    Database,
    Listener,
    Query,
    Row,
    SealReads,
    StaleError,
    Standing,
    Work,
    WriterLoad,
    refuse_reads,
    require_log,
    tell,
)

T = TypeVar("T")
CHANNEL = "sheetport_events"
#: On which processes tell each other of accounts whose callers' rights have changed.
BUMPS = "sheetport_bumps"
#: A second look for committed events whose process died before it numbered them.
SWEEP_SECONDS = 2.0
#: How often the connection that hears of events is tried, and how long it may take to answer.
PROBE_SECONDS = 30.0
PROBE_TIMEOUT = 10.0
#: A request waits this long for a connection of the pool, and a connection for the server to take it.
POOL_SECONDS = 10.0
CONNECT_SECONDS = 5.0
RETRIES = 5
_log = structlog.get_logger()


@lru_cache(maxsize=512)
def _with_generation(sql: str, count: int) -> str:
    """A query of ``count`` parameters whose rows carry an account's generation; without a row it is there alone."""
    rows = f"SELECT wanted_.*, true AS is_row_ FROM ({sql}) AS wanted_"  # noqa: S608 - our own statements only  # nosec B608
    return (
        "SELECT rows_.*, accounts.auth_generation AS account_generation_"  # noqa: S608 - as above  # nosec B608
        f" FROM accounts LEFT JOIN ({rows}) AS rows_ ON true WHERE accounts.id = ${count + 1}"
    )


class PostgresUnit:
    """A unit of work on one connection."""

    def __init__(
        self,
        connection: Any,
        clock: Clock,
        keys: KeyRing,
        standing: Standing | None = None,
        request: Request | None = None,
    ) -> None:
        self._connection = connection
        self._standing = standing
        self.request = request
        self.reads: list[dict[str, Any]] = []
        self.audited = False
        self.now = clock.now()
        self.keys = keys
        self.memo: dict[str, Any] = {}
        self.woken: set[str] = set()
        self.bumped: set[str] = set()

    async def fetch_all(self, query: Query, params: Params = NO_PARAMS) -> list[Row]:
        compiled = POSTGRESQL.resolve(query)
        if self._standing is not None:
            return await self._fetch_standing(self._standing, compiled.sql, compiled.values(params))
        return cast("list[Row]", await self._connection.fetch(compiled.sql, *compiled.values(params)))

    async def fetch_one(self, query: Query, params: Params = NO_PARAMS) -> Row | None:
        if self._standing is not None:
            rows = await self.fetch_all(query, params)
            return rows[0] if rows else None
        compiled = POSTGRESQL.resolve(query)
        return cast("Row | None", await self._connection.fetchrow(compiled.sql, *compiled.values(params)))

    async def _fetch_standing(self, standing: Standing, sql: str, values: tuple[Any, ...]) -> list[Row]:
        """The rows of the unit's first query, which reads the account's generation on its way."""
        self._standing = None
        rows = await self._connection.fetch(_with_generation(sql, len(values)), *values, standing.account_id)
        if not rows or rows[0]["account_generation_"] != standing.generation:
            raise StaleError
        return rows if rows[0]["is_row_"] else []

    async def execute(self, query: Query, params: Params = NO_PARAMS) -> int:
        compiled = POSTGRESQL.resolve(query)
        status: str = await self._connection.execute(compiled.sql, *compiled.values(params))
        last = status.rpartition(" ")[2]
        return int(last) if last.isdigit() else 0

    async def execute_many(self, query: Query, rows: Iterable[Params]) -> None:
        compiled = POSTGRESQL.resolve(query)
        await self._connection.executemany(compiled.sql, [compiled.values(row) for row in rows])

    async def bulk_insert(self, table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
        await self._connection.copy_records_to_table(table, records=rows, columns=columns)

    async def add_events(self, rows: list[dict[str, Any]]) -> None:
        await self.execute_many(INSERT_UNNUMBERED, rows)
        self.woken.update(row["environment_id"] for row in rows)

    async def add_audit(self, row: dict[str, Any]) -> None:
        await self.execute(INSERT, row)
        self.audited = True

    async def claim(self, chore: str) -> bool:
        query = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"
        return bool(await self._connection.fetchval(query, f"sheetport {chore}"))

    async def tell_bumped(self) -> None:
        """Have every process hear of the bumped accounts once they are committed."""
        for account in sorted(self.bumped):
            await self._connection.execute("SELECT pg_notify($1, $2)", BUMPS, account)


class PostgresDatabase:
    """The many-machine database."""

    shared = True
    log_ready = True
    audit_floor = 0

    def __init__(self, pool: Any, url: str, clock: Clock, keys: KeyRing) -> None:
        self.clock = clock
        self.keys = keys
        self.load = WriterLoad()
        self._pool = pool
        self._url = url
        self._event_listeners: list[Listener] = []
        self._bump_listeners: list[Listener] = []
        self._audit_listeners: list[Callable[[], None]] = []
        self._seal_reads: SealReads = refuse_reads
        self._renew_keys: Callable[[], Awaitable[None]] | None = None
        self._unnumbered: set[str] = set()
        self._look = asyncio.Event()
        self._tasks = [asyncio.create_task(self._number_events()), asyncio.create_task(self._listen())]

    @classmethod
    async def open(cls, url: str, clock: Clock, keys: KeyRing, pool_size: int) -> PostgresDatabase:
        pool = await asyncpg.create_pool(
            url, min_size=1, max_size=pool_size, command_timeout=120, timeout=CONNECT_SECONDS, reset=_leave_as_is
        )
        return cls(pool, url, clock, keys)

    @property
    def version(self) -> int | None:
        return None  # others commit too

    @property
    def log(self) -> Database:
        return self

    def on_events(self, listener: Listener) -> None:
        self._event_listeners.append(listener)

    def on_bump(self, listener: Listener) -> None:
        self._bump_listeners.append(listener)

    def on_audit(self, listener: Callable[[], None]) -> None:
        self._audit_listeners.append(listener)

    def on_reads(self, seal: SealReads) -> None:
        self._seal_reads = seal

    def on_outdated_keys(self, renew: Callable[[], Awaitable[None]]) -> None:
        self._renew_keys = renew

    async def read(self, work: Work[T], *, heavy: bool = False, standing: Standing | None = None) -> T:
        async def run() -> tuple[T, list[dict[str, Any]]]:
            async with self._pool.acquire(timeout=POOL_SECONDS) as connection:
                unit = PostgresUnit(connection, self.clock, self.keys, standing, current_request.get())
                return await work(unit), unit.reads

        result, reads = await self._with_newest_keys(run)
        if reads:
            await self._seal_reads(reads)
        return result

    async def write(self, work: Work[T], *, bulk: bool = False, lane: str = "") -> T:
        # The work goes on when its caller goes away, so that a commit is never left in doubt.
        writing = asyncio.ensure_future(self._with_newest_keys(lambda: self._write(work)))
        result, reads = await asyncio.shield(writing)
        if reads:
            await self._seal_reads(reads)
        return result

    async def _with_newest_keys(self, run: Callable[[], Awaitable[T]]) -> T:
        """Run it, and once more where it shows that another process has rotated keys."""
        try:
            return await _reaching_database(run)
        except KeysOutdated:
            if self._renew_keys is None:
                raise
            await self._renew_keys()
            return await _reaching_database(run)

    async def _write(self, work: Work[T]) -> tuple[T, list[dict[str, Any]]]:
        for attempt in range(RETRIES):
            try:
                unit, result = await self._transact(work)
                break
            except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
                if attempt == RETRIES - 1:
                    raise
        kill_point("postgresql.after-commit")
        if unit.bumped:
            tell(self._bump_listeners, unit.bumped)
        if unit.woken:
            self._unnumbered |= unit.woken
            self._look.set()
        if unit.audited:
            for listener in self._audit_listeners:
                listener()
        return result, unit.reads

    async def _transact(self, work: Work[T]) -> tuple[PostgresUnit, T]:
        committing = False
        try:
            async with self._pool_turn() as connection, connection.transaction():
                unit = PostgresUnit(connection, self.clock, self.keys, request=current_request.get())
                result = await work(unit)
                require_log(unit, ready=self.log_ready)
                await unit.tell_bumped()
                kill_point("postgresql.before-commit")
                committing = True
            return unit, result
        except faults.POSTGRESQL as error:
            raise faults.of_postgresql(error, committing=committing) from None

    @asynccontextmanager
    async def _pool_turn(self) -> AsyncGenerator[Any, None]:
        """A connection to write on, and how long it was waited for."""
        since = time.monotonic()
        self.load.waiting += 1
        try:
            connection = await self._pool.acquire(timeout=POOL_SECONDS)
        finally:
            self.load.waiting -= 1
        self.load.turns += 1
        self.load.waited += time.monotonic() - since
        try:
            yield connection
        finally:
            await self._pool.release(connection)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._pool.close()

    async def _number_events(self) -> None:
        loop = asyncio.get_running_loop()
        sweep_due = loop.time()
        while True:
            # Not wait_for: in Python 3.11 it swallows a cancellation that meets the event; close() would hang.
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._look.wait()
            self._look.clear()
            waiting, self._unnumbered = self._unnumbered, set()
            try:
                if loop.time() >= sweep_due:  # however busy this process is: another one may have died
                    waiting |= await self._left_behind()
                    sweep_due = loop.time() + SWEEP_SECONDS
                for environment in sorted(waiting):
                    await self._number(environment)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, Unavailable) as error:
                _log.warning("events.numbering-failed", error=type(error).__name__)
                self._unnumbered |= waiting
                await asyncio.sleep(SWEEP_SECONDS)

    async def _left_behind(self) -> set[str]:
        rows = await self.read(lambda unit: unit.fetch_all(UNNUMBERED_ENVIRONMENTS))
        return {row["environment_id"] for row in rows}

    async def _number(self, environment: str) -> None:
        """Give positions to an environment's committed events and tell every process."""
        async with self._pool.acquire() as connection, connection.transaction():
            unit = PostgresUnit(connection, self.clock, self.keys)
            head = await unit.fetch_one(ADVANCE_HEAD, {"environment": environment, "count": 0})
            if head is None:
                return
            rows = await unit.fetch_all(UNNUMBERED, {"environment": environment})
            given = [
                {"environment": environment, "event": row["id"], "given": head["position"] + index}
                for index, row in enumerate(rows, start=1)
            ]
            if not given:
                return
            await unit.execute_many(NUMBER, given)
            await unit.execute(ADVANCE_HEAD, {"environment": environment, "count": len(given)})
            await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, environment)
            kill_point("events.before-number")
        kill_point("events.before-wake")

    async def _listen(self) -> None:
        """Hear of numbered events, from whichever process."""
        while True:
            try:
                await self._hear()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("events.not-listening", error=type(error).__name__)
                await asyncio.sleep(SWEEP_SECONDS)

    async def _hear(self) -> None:
        """Listen on one connection until it is gone; after the gap before it, look at everything once."""
        connection = await asyncpg.connect(
            self._url, timeout=CONNECT_SECONDS, server_settings={"application_name": CHANNEL}
        )
        gone = asyncio.Event()
        connection.add_termination_listener(lambda _: gone.set())
        try:
            await connection.add_listener(BUMPS, lambda *heard: tell(self._bump_listeners, {str(heard[3])}))
            await connection.add_listener(CHANNEL, lambda *heard: tell(self._event_listeners, {str(heard[3])}))
            tell(self._event_listeners, {"*"})
            while not gone.is_set():
                await connection.execute("SELECT 1", timeout=PROBE_TIMEOUT)  # a connection can die without a word
                with suppress(TimeoutError):
                    async with asyncio.timeout(PROBE_SECONDS):
                        await gone.wait()
        finally:
            connection.terminate()


async def _leave_as_is(_: Any) -> None:
    """A unit of work leaves nothing in its session: resetting it would be a round trip for nothing."""


async def _reaching_database(run: Callable[[], Awaitable[T]]) -> T:
    try:
        return await run()
    except faults.POSTGRESQL as error:
        raise faults.of_postgresql(error) from None
