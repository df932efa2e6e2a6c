"""Which errors of a database are a state of the machine, and what each says."""

from __future__ import annotations

import sqlite3

import asyncpg
import pytest

from sheetport.kernel.errors import Unavailable
from sheetport.storage.dialects import faults


@pytest.mark.parametrize(
    ("error", "committing", "message"),
    [
        (ConnectionRefusedError(), False, faults.AWAY),
        (TimeoutError(), False, faults.AWAY),
        (asyncpg.InterfaceError("connection is closed"), False, faults.AWAY),
        (asyncpg.AdminShutdownError("terminating"), False, faults.AWAY),
        (asyncpg.ConnectionDoesNotExistError("closed"), True, faults.IN_DOUBT),
        (asyncpg.DiskFullError("full"), True, faults.FULL),
        (asyncpg.TooManyConnectionsError("too many"), False, faults.OVERLOADED),
        (asyncpg.ReadOnlySQLTransactionError("read-only"), False, faults.REPLICA),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_state_of_postgresql(error: Exception, committing: bool, message: str) -> None:
    made = faults.of_postgresql(error, committing=committing)
    assert isinstance(made, Unavailable)
    assert made.message == message
    assert ("nothing was changed" in message) == (message != faults.IN_DOUBT)


class WrongParameterError(asyncpg.InterfaceError, ValueError):
    """As the driver raises for a parameter of the wrong type."""


@pytest.mark.parametrize("error", [asyncpg.UniqueViolationError("twice"), WrongParameterError("text for a number")])
def test_a_defect_of_ours_stays_one(error: Exception) -> None:
    assert faults.of_postgresql(error) is error


def test_a_state_of_sqlite() -> None:
    with sqlite3.connect(":memory:") as memory:
        memory.execute("PRAGMA query_only=ON")
        with pytest.raises(sqlite3.OperationalError) as read_only:
            memory.execute("CREATE TABLE t (a)")
        with pytest.raises(sqlite3.OperationalError) as defect:
            memory.execute("SELEKT")
    memory.close()
    made = faults.of_sqlite(read_only.value)
    assert isinstance(made, Unavailable)
    assert made.message == faults.READ_ONLY
    assert faults.of_sqlite(defect.value) is defect.value
