"""Runs a listener file: ``sheetport listen file.py``, with reload while it is being written."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import watchfiles

from sheetport.listener.client import Api, connection
from sheetport.listener.dispatch import Failure
from sheetport.listener.errors import ListenerLoadError
from sheetport.listener.listener import Listener
from sheetport.listener.receive import receive

MODULE_NAME = "sheetport_listener_file"


def load_listener(path: Path) -> Listener:
    """The one ``Listener`` in a Python file. Raises ListenerLoadError with file, line and reason."""
    module = _load_module(path)
    found = {id(value): value for value in vars(module).values() if isinstance(value, Listener) and not value.is_child}
    if not found:
        raise ListenerLoadError(f"{path} holds no Listener. Write at its top level: listener = Listener()")
    if len(found) > 1:
        raise ListenerLoadError(f"{path} holds {len(found)} Listeners; one file runs one. Join or split them.")
    return next(iter(found.values()))


async def listen(
    path: Path,
    *,
    reload: bool = False,
    environment_id: str | None = None,
    scope: str | None = None,
    api_url: str | None = None,
    token: str | None = None,
    on_connected: Callable[[str], None] | None = None,
    on_handled: Callable[[Mapping[str, Any], list[Failure]], None] | None = None,
    report: Callable[[str], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Loads the file's listener and receives events until SIGINT, SIGTERM or ``stop``.

    With ``reload`` a change of a Python file in the folder puts the newly loaded listener in the place of the
    old one while the stream goes on, so no event is missed; a file that does not load is told to ``report``
    (standard error by default) and the old one stays. ``on_handled(event, failures)`` is called after each
    event that reached a handler. Raises ListenerLoadError when the first load fails.
    """
    where = connection(api_url, token, environment_id, scope)
    current = _Current(path, load_listener(path), report or _to_stderr, on_handled)
    ending = stop or asyncio.Event()
    watcher = asyncio.create_task(current.follow(ending)) if reload else None
    try:
        await receive(current.dispatch, where, ending, on_connected=on_connected)
    finally:
        if watcher is not None:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)


class _Current:
    """The listener in use; events that come later go to the one loaded last."""

    def __init__(
        self,
        path: Path,
        listener: Listener,
        report: Callable[[str], None],
        on_handled: Callable[[Mapping[str, Any], list[Failure]], None] | None = None,
    ) -> None:
        self._path = path
        self._listener = listener
        self._report = report
        self._on_handled = on_handled

    async def dispatch(self, event: Mapping[str, Any], api: Api) -> Any:
        listener = self._listener
        failures = await listener.dispatch(event, api)
        if self._on_handled is not None and listener.handlers_for(event):
            self._on_handled(event, failures)
        return failures

    async def follow(self, stop: asyncio.Event) -> None:
        """Loads the file again whenever a Python file in its folder changes."""
        changes = watchfiles.awatch(self._path.parent, watch_filter=watchfiles.PythonFilter(), stop_event=stop, step=50)
        async for _ in changes:
            try:
                self._listener = load_listener(self._path)
            except ListenerLoadError as error:
                self._report(f"{error}\nThe listener as it was goes on until this is fixed.")
            else:
                self._report(f"Loaded {self._path} again.")


def _load_module(path: Path) -> ModuleType:
    if not path.is_file():
        raise ListenerLoadError(f"There is no file {path}.")
    path = path.resolve()
    spec = importlib.util.spec_from_file_location(MODULE_NAME, path)
    if spec is None or spec.loader is None:
        raise ListenerLoadError(f"{path} is no Python file: its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    with _fresh_modules(path.parent):
        sys.modules[MODULE_NAME] = module
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            raise ListenerLoadError(_reason(path, error)) from error
    return module


@contextlib.contextmanager
def _fresh_modules(folder: Path) -> Iterator[None]:
    """Imports the folder's modules anew; puts the former ones back when that fails.

    No bytecode is written: two quick edits of one size within a second would be taken for the same file.
    """
    former = {name: module for name, module in sys.modules.items() if _lies_in(module, folder)}
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    for name in former:
        del sys.modules[name]
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    except ListenerLoadError:
        sys.modules.update(former)
        raise
    finally:
        sys.dont_write_bytecode = writes_bytecode


def _lies_in(module: ModuleType, folder: Path) -> bool:
    """Whether a module is one of the user's own files, and not a package installed in an environment there."""
    file = getattr(module, "__file__", None)
    if not file or getattr(module, "__name__", "__main__") in ("__main__", "sheetport"):
        return False
    place = Path(file)
    return place.is_relative_to(folder) and not {"site-packages", "sheetport"} & set(place.relative_to(folder).parts)


def _reason(path: Path, error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(path.parent)]
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else str(path)
    return f"{place}: {type(error).__name__}: {error}"


def _to_stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")
