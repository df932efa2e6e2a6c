"""The file of a backup: a zip of ``manifest.json`` and, for each table, its rows in PostgreSQL's COPY text format.

The manifest comes last: a file that was not written to its end has none, and is no backup.
"""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec

FORMAT = "sheetport-backup-1"
MANIFEST = "manifest.json"
CHUNK = 1024 * 1024
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
#: Told what is being done, in a few words, whenever that changes or has gone on a while.
Progress = Callable[[str], None]


class ArchiveError(Exception):
    """A backup cannot be made or used; the message says why and what to do."""


class TableEntry(msgspec.Struct, rename="camel", frozen=True):
    """A table in the file: ``columns`` in the order of its rows' values, ``size`` in bytes before compression."""

    name: str
    columns: list[str]
    rows: int
    size: int
    sha256: str

    @property
    def member(self) -> str:
        """Its name in the zip."""
        return f"tables/{self.name}.copy"


class Manifest(msgspec.Struct, rename="camel", frozen=True):
    """What a backup is. ``key_check`` names the key file that opens it and tells nothing of the key.

    ``created_at`` is the instant it shows, in milliseconds since the epoch.
    """

    format: str
    product_version: str
    database: str
    schema_revision: str
    key_check: str
    created_at: int
    tables: list[TableEntry]

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(table.rows for table in self.tables)


class TableWriter:
    """Takes the bytes of a table's rows and counts them."""

    def __init__(self, name: str, columns: list[str], into: IO[bytes], progress: Progress) -> None:
        self._name = name
        self._columns = columns
        self._into = into
        self._progress = progress
        self._digest = hashlib.sha256()
        self._rows = self._size = 0

    def write(self, data: bytes) -> None:
        self._into.write(data)
        self._digest.update(data)
        self._size += len(data)
        self._rows += data.count(b"\n")  # a line break inside a value is written as \n
        self._progress(f"{self._name}: {self._rows:,} rows")

    def entry(self) -> TableEntry:
        """What was written."""
        return TableEntry(self._name, self._columns, self._rows, self._size, self._digest.hexdigest())


class ArchiveWriter:
    """Writes ``FILE.partial``; after :meth:`finish` has verified it, it has its name. Left early, nothing is there."""

    def __init__(self, file: Path, progress: Progress) -> None:
        self.partial = file.with_name(f"{file.name}.partial")
        self._file = file
        self.progress = progress
        self._tables: list[TableEntry] = []

    def __enter__(self) -> ArchiveWriter:
        handle = os.open(self.partial, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600)
        self._raw = os.fdopen(handle, "w+b")
        self._zip = zipfile.ZipFile(self._raw, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._raw.close()
        if kind is not None:
            self._zip.fp = None  # its closing would write to the file that is gone
            self.partial.unlink(missing_ok=True)

    def add_table(self, name: str, columns: list[str]) -> OpenTable:
        """A table to write to: ``with writer.add_table(...) as table: table.write(...)``."""
        return OpenTable(self._zip, name, columns, self._tables, self.progress)

    def finish(self, make: Callable[[list[TableEntry]], Manifest]) -> Manifest:
        """Write the manifest, put the file on disk, read all of it again, and give it its name."""
        written = make(self._tables)
        self._zip.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(written), indent=1))
        self._zip.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        if read_archive(self.partial, self.progress) != written:
            raise ArchiveError(f"{self.partial} does not read as it was written. Is the disk sound?")
        self.partial.rename(self._file)
        sync_folder(self._file.parent)
        return written


class OpenTable:
    """A table's part of the zip while it is written."""

    def __init__(
        self, into: zipfile.ZipFile, name: str, columns: list[str], done: list[TableEntry], progress: Progress
    ) -> None:
        self._stream = into.open(f"tables/{name}.copy", "w", force_zip64=True)
        self._table = TableWriter(name, columns, self._stream, progress)
        self._done = done

    def __enter__(self) -> TableWriter:
        return self._table

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._done.append(self._table.entry())


def read_archive(file: Path, progress: Progress) -> Manifest:
    """The manifest, once every table is as the manifest says. Raises ArchiveError."""
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = _manifest(file, archive)
            for table in manifest.tables:
                progress(f"checking {table.name}")
                _check(archive, table)
    except FileNotFoundError:
        raise ArchiveError(f"There is no file {file}.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError) as error:
        raise ArchiveError(f"{file} is no backup, or a damaged one ({error}).") from None
    return manifest


def read_table(file: Path, table: TableEntry) -> Iterator[bytes]:
    """The bytes of a table's rows, in pieces."""
    with zipfile.ZipFile(file) as archive, archive.open(table.member) as stream:
        while piece := stream.read(CHUNK):
            yield piece


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _manifest(file: Path, archive: zipfile.ZipFile) -> Manifest:
    try:
        manifest = msgspec.json.decode(archive.read(MANIFEST), type=Manifest)
    except msgspec.DecodeError as error:
        raise ArchiveError(f"{file} is no backup that this version can read ({error}).") from None
    if manifest.format != FORMAT:
        raise ArchiveError(
            f"{file} has the format {manifest.format!r}, which this version does not know. It was made by version "
            f"{manifest.product_version}: use that one or a later one."
        )
    names = [name for table in manifest.tables for name in (table.name, *table.columns)]
    if not all(_NAME.fullmatch(name) for name in names):  # they become part of statements
        raise ArchiveError(f"{file} names tables that no version has had.")
    return manifest


def _check(archive: zipfile.ZipFile, table: TableEntry) -> None:
    digest, size, rows = hashlib.sha256(), 0, 0
    with archive.open(table.member) as stream:
        while piece := stream.read(CHUNK):
            digest.update(piece)
            size += len(piece)
            rows += piece.count(b"\n")
    if (digest.hexdigest(), size, rows) != (table.sha256, table.size, table.rows):
        raise ArchiveError(f"This backup is damaged: table {table.name} is not what the manifest says. Use another.")
