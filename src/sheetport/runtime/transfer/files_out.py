"""The files of an export, as one zip or a folder. The same content gives the same bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from sheetport.features.transfers.schemas import FileEntry

MANIFEST = "manifest.json"
#: The earliest time a zip can say: the files of an export have no time of their own.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1024 * 1024


class TransferError(Exception):
    """An export cannot be written or read; the message says why and what to do. It holds no secret."""


class OutFile:
    """One file that is being written, and what its entry in the manifest will say."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._hash = hashlib.sha256()
        self._bytes = 0

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self._bytes += len(data)

    def close(self) -> None:
        self._file.close()

    def entry(self, name: str) -> FileEntry:
        return FileEntry(path=name, bytes=self._bytes, sha256=self._hash.hexdigest())


class OutFiles:
    """Where an export's files go, in the order in which they are added; ``entries`` says what they are."""

    def __init__(self, folder: Path, archive: zipfile.ZipFile | None) -> None:
        self._folder = folder
        self._archive = archive
        self.entries: list[FileEntry] = []

    @contextmanager
    def writing(self, *names: str) -> Iterator[list[OutFile]]:
        """Write files beside each other; they are added when the context ends, and are not when it fails."""
        files = []
        for name in names:
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            files.append(OutFile(path))
        try:
            yield files
        finally:
            for file in files:
                file.close()
        for name, file in zip(names, files, strict=True):
            self.entries.append(file.entry(name))
            if self._archive is not None:
                self._pack(name)

    def add_json(self, name: str, value: Any) -> None:
        """Add a file of indented JSON."""
        with self.writing(name) as (file,):
            file.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")

    def _pack(self, name: str) -> None:
        path = self._folder / name
        member = zipfile.ZipInfo(name, _ZIP_TIME)
        member.create_system = 3
        member.external_attr = 0o600 << 16
        member.compress_type = zipfile.ZIP_DEFLATED
        member.file_size = path.stat().st_size
        if self._archive is None:
            return
        with path.open("rb") as source, self._archive.open(member, "w") as packed:
            shutil.copyfileobj(source, packed, _CHUNK)
        path.unlink()


@contextmanager
def out_files(target: Path) -> Iterator[OutFiles]:
    """Files that become ``target`` (a zip if it is named so, else a folder) when the context ends, or nothing.

    Raises TransferError when there is something at ``target`` already.
    """
    if target.exists() or target.is_symlink():
        raise TransferError(f"{target} is there already; nothing was exported. Choose another name or remove it.")
    if not target.parent.is_dir():
        raise TransferError(f"There is no folder {target.parent}; make it first, or choose another.")
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent))
    try:
        if target.suffix.lower() == ".zip":
            packed = folder / "packed.zip"
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
                yield OutFiles(folder, archive)
            _settle(packed)
            os.link(packed, target)  # unlike a rename it never replaces what has appeared there meanwhile
        else:
            yield OutFiles(folder, None)
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                _settle(file)
            folder.rename(target)
        _settle(target.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _settle(path: Path) -> None:
    """Have what was written survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
