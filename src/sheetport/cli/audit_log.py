"""The audit log as commands use it: read in the command's own process, changed by the server if one runs here."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sheetport.cli.errors import CommandError
from sheetport.cli.local_socket import LocalSocket
from sheetport.cli.options import settings_of
from sheetport.cli.transfer import as_command_errors, running_server
from sheetport.config import Settings
from sheetport.features.audit import service as audit
from sheetport.features.audit.codec.verifying import BrokenError, Verified
from sheetport.features.audit.model import AuditFilter, ChainHead
from sheetport.features.secrets.service import list_secret_roots
from sheetport.kernel.clock import iso, parse_iso
from sheetport.kernel.paging import Page
from sheetport.runtime.audit_operations import AuditOperations
from sheetport.runtime.choosing import find_administrator
from sheetport.runtime.set_up import open_for_serving
from sheetport.storage import data_directory
from sheetport.storage.engine import sqlite_path
from sheetport.storage.migrations import HEAD, schema_version
from sheetport.storage.unit_of_work import Database

__all__ = ["AuditLog", "as_command_errors", "moment", "open_log"]
_EVERY = 1_000


@dataclass(slots=True)
class AuditLog:
    """An open log. ``server`` is the running one, which alone may write on SQLite."""

    db: Database
    folder: Path | None
    server: LocalSocket | None
    runner: asyncio.Runner
    _sealer: audit.Sealer = field(init=False)

    def __post_init__(self) -> None:
        self._sealer = audit.Sealer(self.db)
        self.call("audit-seal")

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """An operation, by the server or here. Raises CommandError and SheetportError."""
        if self.server is not None:
            return self.server.call(operation, **arguments)
        return self.runner.run(self._call(operation, arguments))

    def records(self, account: str | None, chosen: dict[str, Any], most: int) -> list[dict[str, Any]]:
        """The newest records of an account that a filter lets through, newest first."""
        actor = self.runner.run(self.db.read(lambda uow: find_administrator(uow, account)))
        paged = self.runner.run(audit.list_records(self.db, actor, AuditFilter(**chosen), Page(1, most)))
        return [
            {
                "createdAt": iso(each.created_at),
                "action": each.action,
                "target": each.target,
                "actor": f"{each.actor_kind}:{each.actor_id}",
                "environmentId": each.environment_id or None,
                "requestId": each.request_id,
                "personal": each.personal,
                "detail": each.detail,
            }
            for each in paged.items
        ]

    def export(self, file: Path, say: Callable[[str], None]) -> int:
        """Write every chain to a new file; how many lines."""
        chains = self.runner.run(audit.list_all_chains(self.db))
        return self._write(file, audit.export_lines(self.db, chains), say)

    def check(self) -> Verified:
        """Verify database, log and anchor. Raises BrokenError."""
        found = self.runner.run(audit.Watch(self.db, self.folder, list_secret_roots).find_rollback())
        if found is not None:
            raise BrokenError(found)
        return self.runner.run(audit.check(self.db, None))

    def prune(self, before: int, file: Path, say: Callable[[str], None]) -> int | None:
        """Write what was sealed before a moment to a new file, then delete it; None when there is nothing."""
        found: dict[str, tuple[ChainHead, int]] = self.runner.run(audit.prunable(self.db, before))
        if not found:
            return None
        ends = {name: end for name, (_, end) in found.items()}
        self._write(file, audit.export_lines(self.db, [chain for chain, _ in found.values()], ends), say)
        return int(self.call("audit-prune", ends=ends)["deleted"])

    def _write(self, file: Path, lines: AsyncIterator[bytes], say: Callable[[str], None]) -> int:
        """Write lines to a file that has its name only once it is whole and on disk."""
        if file.exists():
            raise CommandError(f"{file} exists already; nothing was changed. Choose another name.")
        partial = file.with_name(f"{file.name}.partial")
        handle = os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(handle, "wb") as into:
                counted = self.runner.run(_copy(lines, into.write, say))
                into.flush()
                os.fsync(into.fileno())
        except BaseException:
            partial.unlink()
            raise
        partial.rename(file)
        return counted

    async def _call(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        watch = audit.Watch(self.db, self.folder, list_secret_roots)
        await self._sealer.look_again()
        answer, _ = await AuditOperations(self.db, self._sealer, watch).by_name()[operation](arguments)
        if operation != "audit-seal":
            await self._sealer.seal_all()
        return answer


@contextmanager
def open_log(data: Path | None, key_file: Path | None, database_url: str | None) -> Iterator[AuditLog]:
    """The log of a server, with everything in it sealed. Raises CommandError and what a database raises."""
    settings = settings_of(data, key_file, database_url)
    data_directory.keep_private()
    with ExitStack() as stack:
        server = running_server(settings, stack)
        if server is not None:
            server.wait_longer()
        _require_database(settings)
        if server is None and settings.storage.database_url is None:
            stack.enter_context(data_directory.locked(settings.storage.data))
        runner = stack.enter_context(asyncio.Runner())
        db = runner.run(open_for_serving(settings, data_directory.load_keys(settings.storage)))
        stack.callback(lambda: runner.run(db.close()))
        yield AuditLog(db, settings.storage.audit_anchor, server, runner)


def moment(option: str, text: str | None) -> int | None:
    """Milliseconds of a date or time; UTC where it names no zone. Raises CommandError."""
    if text is None:
        return None
    try:
        return parse_iso(text)
    except (ValueError, OverflowError):
        raise CommandError(
            f"{option} must be a date such as 2026-11-24, or a time such as 2026-11-24T12:00:00Z."
        ) from None


def _require_database(settings: Settings) -> None:
    storage = settings.storage
    if storage.database_url is None and not sqlite_path(storage.data).exists():
        raise CommandError(f"{storage.data} holds no database. Name the right --data, or --database-url.")
    version = schema_version(storage)
    if version != HEAD:
        raise CommandError(f"The database's schema is {version}, and this version's is {HEAD}: start the server once.")


async def _copy(lines: AsyncIterator[bytes], write: Callable[[bytes], Any], say: Callable[[str], None]) -> int:
    counted = 0
    async for line in lines:
        write(line)
        counted += 1
        if counted % _EVERY == 0:
            say(f"{counted:,} lines")
    return counted
