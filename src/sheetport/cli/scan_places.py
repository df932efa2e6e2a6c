"""Where ``scan`` looks: files and folders, standard input, and git's index and history."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from sheetport.cli.errors import CommandError
from sheetport.kernel.token_scan import Found, scan

#: (what to call the place, what was found there).
Finding = tuple[str, Found]
Complain = Callable[[str], None]
STDIN = "-"
_MESSAGE = "(message)"
_NO_COMMIT = "(no commit)"


def scan_path(path: Path, complain: Complain) -> Iterator[Finding]:
    """A file, or every regular file below a folder, whatever .gitignore says; ``complain`` hears of the unreadable.

    Links below the folder are not followed, and git's own compressed objects are passed over.
    """
    if not path.is_dir():
        yield from _scan_file(path, complain)
        return
    for folder, folders, names in os.walk(path, onerror=lambda error: complain(_reason(error))):
        is_git = Path(folder).name == ".git"
        folders[:] = sorted(name for name in folders if not (is_git and name == "objects"))
        for name in sorted(names):
            file = Path(folder, name)
            if not file.is_symlink():
                yield from _scan_file(file, complain)


def scan_stdin() -> Iterator[Finding]:
    """Standard input to its end."""
    yield from ((STDIN, found) for found in scan(sys.stdin.buffer))


def scan_staged() -> Iterator[Finding]:
    """The files of the next commit, as they are staged. Raises CommandError outside a git repository."""
    here = Path.cwd()
    with _running(
        here, "diff", "--cached", "--raw", "--no-abbrev", "-z", "--diff-filter=AMT", "--no-renames"
    ) as stream:
        parts = stream.read().split(b"\0")
    names = [(change.split()[3], os.fsdecode(name)) for change, name in zip(parts[::2], parts[1::2], strict=False)]
    asked = b"".join(object_id + b"\n" for object_id, _ in names)
    contents = _objects(here, "--batch", asked=asked)
    for (_, name), (_, kind, content) in zip(names, contents, strict=True):
        if kind == b"blob":
            yield from ((name, found) for found in scan(content))


def scan_history(repository: Path) -> Iterator[Finding]:
    """Everything that git keeps of a repository: each version of each file once, and the messages.

    A finding is named by the first commit that has it. Raises CommandError when ``repository`` is none.
    """
    in_files: dict[str, list[Found]] = {}
    for object_id, kind, content in _objects(repository, "--batch-all-objects", "--batch", "--unordered"):
        if kind == b"blob":
            if finds := list(scan(content)):
                in_files[object_id] = finds
        elif kind in (b"commit", b"tag"):
            message = content.read().partition(b"\n\n")[2]
            yield from ((f"{object_id}:{_MESSAGE}", found) for found in scan(BytesIO(message)))
    if in_files:
        names = _first_commits(repository, in_files)
        for object_id, finds in in_files.items():
            for name in names.get(object_id, [f"{_NO_COMMIT}:{object_id}"]):
                yield from ((name, found) for found in finds)


def _scan_file(path: Path, complain: Complain) -> Iterator[Finding]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for somebody to write
            return
        with path.open("rb") as file:
            yield from ((str(path), found) for found in scan(file))
    except OSError as error:
        complain(_reason(error))


def _reason(error: OSError) -> str:
    return f"{error.filename} cannot be read: {error.strerror}."


class _Part:
    """So many bytes of a stream, as a file."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self.left = size

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(self.left if size < 0 else min(size, self.left))
        self.left -= len(data)
        return data


def _objects(repository: Path, *options: str, asked: bytes = b"") -> Iterator[tuple[str, bytes, _Part]]:
    """(id, kind, content) of every object that the options of ``git cat-file`` and its input ask for."""
    with _running(repository, "cat-file", "--buffer", *options, asked=asked) as stream:
        while header := stream.readline():
            object_id, kind, *size = header.split()
            if not size:  # the commit of a submodule is "missing" here
                yield object_id.decode(), kind, _Part(stream, 0)
                continue
            content = _Part(stream, int(size[0]))
            yield object_id.decode(), kind, content
            content.read()
            stream.read(1)


def _first_commits(repository: Path, wanted: dict[str, list[Found]]) -> dict[str, list[str]]:
    """By object id: ``commit:path`` for each path of it, of the first commit that has it there."""
    log = ("log", "--all", "--reflog", "--reverse", "-m", "--root", "--raw", "--no-abbrev", "--no-renames")
    firsts: dict[str, dict[str, str]] = {}
    commit = ""
    with _running(repository, "-c", "core.quotePath=false", *log, "--format=commit %H") as stream:
        for line in stream:
            if line.startswith(b"commit "):
                commit = line.split()[1].decode()
            elif line.startswith(b":"):
                changed, _, path = line.rstrip(b"\n").partition(b"\t")
                object_id = changed.split()[3].decode()
                if object_id in wanted:
                    firsts.setdefault(object_id, {}).setdefault(os.fsdecode(path), commit)
    return {each: [f"{commit}:{path}" for path, commit in paths.items()] for each, paths in firsts.items()}


@contextmanager
def _running(folder: Path, *arguments: str, asked: bytes = b"") -> Iterator[IO[bytes]]:
    """The output of a git command. Raises CommandError with what git says when it fails."""
    with TemporaryFile() as input_file, TemporaryFile() as errors:
        input_file.write(asked)
        input_file.seek(0)
        command = ["git", "-C", str(folder), *arguments]
        try:
            process = subprocess.Popen(command, stdin=input_file, stdout=subprocess.PIPE, stderr=errors)
        except FileNotFoundError:
            raise CommandError("git is not installed, and this looks into a git repository.") from None
        with process:
            assert process.stdout is not None  # it was asked for  # nosec B101
            yield process.stdout
        if process.returncode:
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace").strip() or f"status {process.returncode}"
            raise CommandError(f"git could not read {folder}: {said.splitlines()[0]}")
