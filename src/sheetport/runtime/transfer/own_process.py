"""The database in the command's own process: for reading whole, and for writing where no server runs."""

from __future__ import annotations

import asyncio
from typing import Any, Self, TypeVar

from sheetport.config import Settings
from sheetport.kernel.crypto import KeyRing
from sheetport.runtime.set_up import open_for_serving
from sheetport.runtime.transfer.operations import TransferOperations
from sheetport.storage import data_directory
from sheetport.storage.engine import open_database
from sheetport.storage.unit_of_work import Database, Work

T = TypeVar("T")


class OwnDatabase:
    """The database of ``settings``, open until :meth:`close`. Its schema must be this version's.

    Without ``with_keys`` it needs no key file, and can only be read and told of exports.
    """

    def __init__(self, settings: Settings, *, with_keys: bool) -> None:
        self._runner = asyncio.Runner()
        self._db = self._runner.run(_open(settings, with_keys))
        self._operations = TransferOperations(self._db, settings.quotas).by_name()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, work: Work[T], /) -> T:
        """Run a unit of work that only reads."""
        return self._runner.run(self._db.read(work))

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """The answer of an operation, as a running server gives it. Raises SheetportError."""
        return self._runner.run(self._answer(operation, arguments))

    def close(self) -> None:
        self._runner.run(self._db.close())
        self._runner.close()

    async def _answer(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer, _ = await self._operations[operation](arguments)
        return answer


async def _open(settings: Settings, with_keys: bool) -> Database:
    if with_keys:
        return await open_for_serving(settings, data_directory.load_keys(settings.storage))
    return await open_database(settings.storage, KeyRing.generate())
