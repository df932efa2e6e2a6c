"""SQLite: a copy of one instant is taken beside the running server, and the rows are read out of the copy.

Only the copying holds a snapshot of the server's database, so that its write-ahead log grows for that time and no
longer; reading, compressing and checking take as long as they like.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from sheetport.storage.backup.archive import ArchiveError, ArchiveWriter, Progress
from sheetport.storage.backup.copy_text import parse_rows, row_sql
from sheetport.storage.tables.audit import LOG_TABLES, audit_marks, audit_records, names

#: Pages of 4 KiB copied at a time, and the rest between: the disk is the writer's too.
PAGES = 2_000
BATCH = 2_000


def copy_database(source: Path, target: Path, progress: Progress) -> None:
    """Copy a database that others may be writing to, as it is at one instant, and check the copy."""

    def copied(_: int, remaining: int, total: int) -> None:
        progress(f"copying the database: {100 * (total - remaining) // max(total, 1)} %")

    target.unlink(missing_ok=True)
    try:
        # Read only: a connection that may write would check-point when it closes, which is the server's alone.
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as live,
            closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            copy.execute("PRAGMA synchronous=OFF")  # the copy lives for minutes; the writer waits for its own syncs
            live.execute("PRAGMA busy_timeout=5000")
            live.execute("BEGIN")  # without it a writer's commit between two steps would begin the copy anew
            live.execute("SELECT 1 FROM sqlite_master").fetchone()
            live.backup(copy, pages=PAGES, progress=copied, sleep=0)
            live.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise ArchiveError(f"The database {source} cannot be copied: {error}.") from None
    progress("checking the copy")
    check_database(target)


def merge_log(copy: Path, log: Path) -> None:
    """Put what a copy of the audit log's own file holds into a copy of the database, as it lies on PostgreSQL."""
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("ATTACH ? AS log", (str(log),))
        with connection:
            for name, columns in _log_columns():
                connection.execute(f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM log.{name}")  # noqa: S608 - names of our own schema  # nosec B608


def split_log(path: Path, log: Path) -> None:
    """The reverse, after a restore: the chains go to their own file. Records stay, wherever they were."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ATTACH ? AS log", (str(log),))
        with connection:
            for name, columns in _log_columns():
                if name == audit_records.name:
                    continue
                connection.execute(f"INSERT INTO log.{name} ({columns}) SELECT {columns} FROM main.{name}")  # noqa: S608 - names of our own schema  # nosec B608
                connection.execute(f"DELETE FROM main.{name}")  # noqa: S608 - names of our own schema  # nosec B608


def _log_columns() -> list[tuple[str, str]]:
    """The tables of the audit log's own file that a backup holds, with their columns."""
    tables = [each for each in LOG_TABLES if each is not audit_marks]
    return [(each.name, ", ".join(f'"{name}"' for name in names(each))) for each in tables]


def check_database(path: Path) -> None:
    """Raise ArchiveError unless the database is whole."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise ArchiveError(f"The database is damaged: {found}. Keep it, and use an earlier backup.")


def dump_tables(copy: Path, writer: ArchiveWriter, leave_out: frozenset[str]) -> None:
    """Write every table's rows."""
    with closing(sqlite3.connect(copy)) as connection:
        connection.text_factory = bytes
        names = [name.decode() for (name,) in connection.execute(_TABLES)]
        for name in names:
            if name not in leave_out:
                _dump(connection, name, writer)


def table_counter(connection: sqlite3.Connection) -> Callable[[str], int]:
    """What counts the rows of a table."""
    return lambda name: int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])  # noqa: S608 - names of our own schema  # nosec B608


def load_table(connection: sqlite3.Connection, name: str, columns: list[str], pieces: Iterable[bytes]) -> None:
    """Insert the rows of a table, in the connection's transaction."""
    kinds = dict(_columns(connection, name))
    marks = ", ".join("?" * len(columns))
    named = ", ".join(f'"{column}"' for column in columns)
    connection.executemany(
        f'INSERT INTO "{name}" ({named}) VALUES ({marks})',  # noqa: S608 - names of our own schema  # nosec B608
        parse_rows(pieces, [kinds[column] for column in columns]),
    )


def after_load(connection: sqlite3.Connection) -> None:
    """Give positions to events that PostgreSQL had not numbered yet: here the one writer does that at once."""
    waiting = connection.execute(
        "SELECT environment_id, id FROM events WHERE position IS NULL ORDER BY environment_id, seq"
    ).fetchall()
    for environment_id, event_id in waiting:
        (position,) = connection.execute(
            "UPDATE event_heads SET position = position + 1 WHERE environment_id = ? RETURNING position",
            (environment_id,),
        ).fetchall()[0]
        connection.execute(
            "UPDATE events SET position = ?, seq = ? WHERE environment_id = ? AND id = ?",
            (position, position, environment_id, event_id),
        )


_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"


def _dump(connection: sqlite3.Connection, name: str, writer: ArchiveWriter) -> None:
    columns = _columns(connection, name)
    counted = table_counter(connection)(name)
    with writer.add_table(name, [column for column, _ in columns]) as table:
        lines = connection.execute(row_sql(name, columns))
        while batch := lines.fetchmany(BATCH):
            table.write(b"".join(line for (line,) in batch))
    if table.entry().rows != counted:
        raise ArchiveError(f"Of the {counted} rows of table {name}, {table.entry().rows} were read; nothing was kept.")


def _columns(connection: sqlite3.Connection, name: str) -> list[tuple[str, str]]:
    rows: list[Any] = connection.execute("SELECT name, type FROM pragma_table_info(?)", (name,)).fetchall()
    return [(_plain(column), _plain(kind)) for column, kind in rows]


def _plain(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
