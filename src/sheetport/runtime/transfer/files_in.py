"""The files of an export as they are read: every one is checked before anything of it is believed."""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from sheetport.features.transfers.model import FORMAT
from sheetport.features.transfers.schemas import FileEntry, Manifest, parse_file
from sheetport.kernel.errors import Invalid
from sheetport.kernel.json import loads
from sheetport.runtime.transfer.files_out import MANIFEST, TransferError

T = TypeVar("T")
#: The longest line of a .jsonl file and the largest .json file, in bytes.
MAX_LINE = 64 * 1024 * 1024
MAX_JSON = 256 * 1024 * 1024
_CHUNK = 1024 * 1024
_ID = r"[A-Za-z0-9_-]{1,100}"
#: Every name a file of an export can have: none leads out of its folder.
_NAMES = re.compile(
    r"(?:apps|environment|secrets)\.json|(?:jobs|events)\.jsonl"
    rf"|spaces/{_ID}/(?:(?:space|documents|actions)\.json"
    rf"|workbooks/{_ID}/(?:workbook\.json|sheets/{_ID}/records\.(?:csv|jsonl)))"
)
_NEEDED = {"apps.json", "environment.json", "jobs.jsonl", "secrets.json"}


class InFiles:
    """An export that has been found whole. ``names`` are its files, sorted."""

    def __init__(self, source: Path, opener: Callable[[str], IO[bytes]], manifest: Manifest) -> None:
        self._source = source
        self._open = opener
        self.manifest = manifest
        self.names = sorted(entry.path for entry in manifest.files)

    def json(self, name: str) -> Any:
        """A file's value. Raises TransferError."""
        with self._open(name) as file:
            return _decode(self._source, name, None, file.read(MAX_JSON + 1))

    def lines(self, name: str) -> Iterator[tuple[int, bytes]]:
        """(number from 1, line) of a file. Raises TransferError."""
        with self._open(name) as file:
            number = 0
            while line := file.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    raise self.fault(name, number, f"the line is longer than {MAX_LINE // 1024**2} MiB.")
                yield number, line

    def parsed(self, name: str, parse: Callable[[Any], T]) -> T:
        """``parse`` of a .json file's value, its refusal with the file's name. Raises TransferError."""
        value = self.json(name)
        try:
            return parse(value)
        except Invalid as error:
            raise self.fault(name, None, error.message) from None

    def parsed_lines(self, name: str, parse: Callable[[bytes], T]) -> Iterator[tuple[int, bytes, T]]:
        """(number from 1, line, ``parse`` of it) of a .jsonl file. A refusal says the line. Raises TransferError."""
        for number, line in self.lines(name):
            try:
                yield number, line, parse(line)
            except Invalid as error:
                raise self.fault(name, number, error.message) from None
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise self.fault(name, number, f"this is not JSON ({error}).") from None

    def fault(self, name: str, line: int | None, what: str) -> TransferError:
        """That a file is not as it must be."""
        return _fault(self._source, name, line, what)


def in_files(source: Path, stack: ExitStack) -> InFiles:
    """The export at ``source``, a zip or a folder, open until ``stack`` ends; its checksums hold.

    Raises TransferError.
    """
    if source.is_dir():
        opener, sizes = _folder(source)
    elif source.is_file():
        opener, sizes = _archive(source, stack)
    else:
        raise TransferError(f"There is no file or folder {source}.")
    if MANIFEST not in sizes:
        raise TransferError(f"{source} holds no {MANIFEST}: it is no export of Sheetport.")
    with opener(MANIFEST) as file:
        described = _decode(source, MANIFEST, None, file.read(MAX_JSON + 1))
    manifest = _manifest(source, described)
    _check_names(source, manifest, sizes)
    for entry in manifest.files:
        _check_content(source, opener, entry)
    return InFiles(source, opener, manifest)


def _archive(source: Path, stack: ExitStack) -> tuple[Callable[[str], IO[bytes]], dict[str, int]]:
    try:
        archive = stack.enter_context(zipfile.ZipFile(source))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise TransferError(f"{source} cannot be read as a zip file ({error}). Give an export of Sheetport.") from None
    members = archive.infolist()
    names = [member.filename for member in members]
    twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    if twice:
        raise TransferError(f"{source} holds {min(twice)[:100]!r} twice; it was not made by Sheetport.")
    if any(member.flag_bits & 1 for member in members):
        raise TransferError(f"{source} is encrypted; unpack it and give the folder.")
    return archive.open, {member.filename: member.file_size for member in members if not member.is_dir()}


def _folder(source: Path) -> tuple[Callable[[str], IO[bytes]], dict[str, int]]:
    sizes = {}
    for path in source.rglob("*"):
        found = path.lstat()
        name = path.relative_to(source).as_posix()
        if stat.S_ISREG(found.st_mode):
            sizes[name] = found.st_size
        elif not stat.S_ISDIR(found.st_mode):
            raise TransferError(f"{source}: {name[:200]!r} is neither a file nor a folder; take it away.")
    return lambda name: (source / name).open("rb"), sizes


def _manifest(source: Path, described: Any) -> Manifest:
    version = described.get("format") if isinstance(described, dict) else None
    if version != FORMAT:
        raise TransferError(
            f"{source}: {MANIFEST} says format {version!r:.40}, and this version reads format {FORMAT}. "
            "Import it with the version that made it, or a later one."
        )
    try:
        return parse_file(Manifest, described)
    except Invalid as error:
        raise _fault(source, MANIFEST, None, error.message) from None


def _check_names(source: Path, manifest: Manifest, sizes: dict[str, int]) -> None:
    named = [entry.path for entry in manifest.files]
    strange = [name for name in named if not _NAMES.fullmatch(name)] + sorted(sizes.keys() - set(named) - {MANIFEST})
    if strange:
        raise TransferError(f"{source}: {strange[0][:200]!r} is no file of an export; take it away.")
    if len(set(named)) < len(named):
        raise _fault(source, MANIFEST, None, "files names a file twice.")
    missing = sorted((set(named) | _NEEDED) - sizes.keys())
    if missing:
        raise TransferError(f"{source}: {missing[0][:200]} is missing; get the export whole.")


def _check_content(source: Path, opener: Callable[[str], IO[bytes]], entry: FileEntry) -> None:
    """Never reads more than the manifest says, however much a member would unpack to."""
    found, left = hashlib.sha256(), entry.bytes
    try:
        with opener(entry.path) as file:
            while left > 0 and (chunk := file.read(min(_CHUNK, left))):
                found.update(chunk)
                left -= len(chunk)
            more = file.read(1)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise _fault(source, entry.path, None, f"cannot be read ({error}). Get the export anew.") from None
    if left > 0 or more or found.hexdigest() != entry.sha256:
        raise _fault(
            source, entry.path, None, f"is not as {MANIFEST} says (SHA-256 {entry.sha256[:12]}…): it was changed."
        )


def _decode(source: Path, name: str, line: int | None, data: bytes) -> Any:
    if len(data) > MAX_JSON:
        raise _fault(source, name, line, f"the file is larger than {MAX_JSON // 1024**2} MiB.")
    try:
        return loads(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _fault(source, name, line, f"this is not JSON ({error}).") from None


def _fault(source: Path, name: str, line: int | None, what: str) -> TransferError:
    where = name if line is None else f"{name}, line {line}"
    return TransferError(f"{source}: {where}: {what} Nothing was imported.")
