"""The data directory and the key file: who may read them, and one server at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sheetport.config import StorageSettings
from sheetport.kernel.crypto import KeyFileError, KeyRing
from sheetport.kernel.killpoints import kill_point
from sheetport.kernel.memory import forbid_dumps
from sheetport.kernel.wrapped import ProviderError, Wrapping, unwrap_text, wrap_text, wrapping_of
from sheetport.storage.engine import SQLITE_FILES, sqlite_path
from sheetport.storage.key_providers import open_provider

LOCK_FILE = "server.lock"
#: Says that ``init`` has finished; without it a directory is not a server's.
MARK_FILE = "sheetport.json"
#: Holds the first set-up link of a server that was started without a terminal.
FIRST_RUN_FILE = "first-run.txt"
#: Is there while a restore is under way, or after one that was killed.
RESTORING_FOLDER = "restoring"


class DataDirectoryError(Exception):
    """The data directory or the key file cannot be used; the message says why and what to do."""


def keep_private() -> None:
    """Have this process and its children make files that only their owner may read, and no dump of its memory."""
    os.umask(0o077)
    forbid_dumps()


def is_initialised(settings: StorageSettings) -> bool:
    """Whether set-up has finished here."""
    return (settings.data / MARK_FILE).exists()


def is_used(settings: StorageSettings) -> bool:
    """Whether a server's data, whole or not, is here."""
    return is_initialised(settings) or sqlite_path(settings.data).exists()


def may_join(settings: StorageSettings) -> bool:
    """Whether this is a further host of a server: a key file was brought, and the data is in PostgreSQL."""
    return settings.database_url is not None and settings.key_file.exists() and not is_initialised(settings)


def join(settings: StorageSettings) -> None:
    """Make the directory of a further host. The caller has made sure that the key file is the database's."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark_initialised(settings)


def refuse_half_restored(data: Path) -> None:
    """Raise DataDirectoryError when a restore into the directory was not finished."""
    if (data / RESTORING_FOLDER).exists():
        raise DataDirectoryError(
            f"A restore into {data} is under way, or was stopped before its end. Run 'sheetport restore' again, with "
            "--replace: what was there before the first try is still there, or in a folder before_restore_…."
        )


def move_aside(settings: StorageSettings, folder: Path) -> None:
    """Move what a server on SQLite has left in the directory into a new folder of it."""
    folder.mkdir(mode=0o700)
    for name in (MARK_FILE, FIRST_RUN_FILE, *SQLITE_FILES):
        if (settings.data / name).exists():
            (settings.data / name).rename(folder / name)


def create(settings: StorageSettings) -> KeyRing:
    """Make the directory (0700) and the key file (0600). Raises DataDirectoryError, having changed nothing,
    when either holds something already."""
    refuse_half_restored(settings.data)
    _refuse_used(settings)
    keep_private()
    keys = KeyRing.generate()
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.data.chmod(0o700)
        settings.key_file.parent.mkdir(parents=True, exist_ok=True)
        write_private(settings.key_file, keys.to_text())
    except OSError as error:
        raise DataDirectoryError(
            f"{error.filename or settings.key_file} cannot be made: {error.strerror}. Make room or make its folder "
            "writable, or choose another --data and --key-file."
        ) from None
    return keys


def mark_initialised(settings: StorageSettings) -> None:
    """Record that set-up has finished."""
    write_private(settings.data / MARK_FILE, '{"format": 1}\n')


def undo_create(settings: StorageSettings) -> None:
    """Take back a set-up that failed half way, so that it can be tried again."""
    settings.key_file.unlink(missing_ok=True)
    for name in SQLITE_FILES:
        (settings.data / name).unlink(missing_ok=True)


def load_keys(settings: StorageSettings) -> KeyRing:
    """The key ring of the key file; from here on nobody dumps this process's memory. Raises DataDirectoryError."""
    forbid_dumps()
    try:
        return KeyRing.from_text(_unwrapped(settings.key_file.read_text()))
    except FileNotFoundError:
        message = (
            f"The key file {settings.key_file} is missing. Point --key-file at it; without it no secret can be read."
        )
    except OSError as error:
        message = f"The key file {settings.key_file} cannot be read: {error.strerror}."
    except (KeyFileError, ProviderError, UnicodeDecodeError) as error:
        message = f"{settings.key_file} cannot be used: {error}"
    raise DataDirectoryError(message)


def replace_keys(settings: StorageSettings, keys: KeyRing) -> None:
    """Put another ring in the key file, wrapped as it was: whoever reads it finds the old or the new one whole.

    Raises DataDirectoryError.
    """
    wrap_keys(settings, keys, wrapping_of(settings.key_file.read_text()))


def wrap_keys(settings: StorageSettings, keys: KeyRing, wrapping: Wrapping | None) -> None:
    """Put a ring in the key file, wrapped by a key service or in the clear. Raises DataDirectoryError."""
    path, text = settings.key_file.resolve(), keys.to_text()
    if wrapping is not None:
        try:
            provider = open_provider(wrapping)
            text = wrap_text(text, wrapping, provider)
            unwrap_text(text, provider)  # what nobody can open again must not take the place of what one can
        except ProviderError as error:
            raise DataDirectoryError(f"{error} The key file is as it was.") from None
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.unlink(missing_ok=True)  # of a process that was killed
        write_private(beside, text)
        kill_point("keys.before-file")
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise DataDirectoryError(
            f"The key file {path} cannot be replaced: {error.strerror}. Make its folder writable for the server; "
            "nothing was changed."
        ) from None


@contextmanager
def held_keys(settings: StorageSettings) -> Iterator[bool]:
    """Be the one process of this machine that changes the key file; False when another is."""
    handle = os.open(settings.key_file.resolve().parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(handle)


def _unwrapped(text: str) -> str:
    """A key file's text in the clear, whoever wraps it."""
    wrapping = wrapping_of(text)
    return text if wrapping is None else unwrap_text(text, open_provider(wrapping))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def require_writable(data: Path) -> None:
    """Raise DataDirectoryError unless the server may write in the directory."""
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        raise DataDirectoryError(
            f"The data directory {data} cannot be written: it is another user's, or its file system is read-only. "
            "Make it writable for the user who runs the server, or choose another --data."
        )


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Hold the directory for one server. Raises DataDirectoryError when another has it."""
    handle = os.open(data / LOCK_FILE, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = (
                f"Another server is running on {data}. SQLite has one server process: stop that one first, "
                "choose another --data, or use PostgreSQL (--database-url) for several."
            )
            raise DataDirectoryError(message) from None
        yield
    finally:
        os.close(handle)


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner may read, durably."""
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink()
        raise


def forget_first_run(data: Path) -> None:
    """Remove the file of the first set-up link, if there is one."""
    (data / FIRST_RUN_FILE).unlink(missing_ok=True)


def keep_first_run(data: Path, seconds: float) -> bool:
    """Remove that file if it is older than this; whether it is still there."""
    try:
        age = time.time() - (data / FIRST_RUN_FILE).stat().st_mtime
    except FileNotFoundError:
        return False
    if age >= seconds:
        forget_first_run(data)
    return age < seconds


def _refuse_used(settings: StorageSettings) -> None:
    if is_used(settings):
        raise DataDirectoryError(
            f"{settings.data} already holds a server's data; nothing was changed. "
            "Start it with 'sheetport serve', or choose another --data."
        )
    if settings.key_file.exists():
        raise DataDirectoryError(
            f"The key file {settings.key_file} already exists; nothing was changed. "
            "Choose another --key-file, or move it away if nothing needs it any more."
        )
