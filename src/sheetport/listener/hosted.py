"""Runs a listener file inside a server's agent host: events arrive on standard input, answers leave on standard output.

In:  4 bytes of length (big-endian), then one letter and a body: L the program (JSON), E an event (JSON).
Out: a line break, the byte 30, the mark, a space, JSON, a line break. Everything else that is written is the log.
The mark is random and known here only, so that what a program writes is never taken for an answer.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import struct
import sys
import traceback
from pathlib import Path
from typing import Any

from sheetport.listener.client import Api, connection
from sheetport.listener.dispatch import Failure
from sheetport.listener.errors import ListenerLoadError
from sheetport.listener.listener import Listener
from sheetport.listener.runner import load_listener

_PROGRAM = Path("/agent/agent.py")
_ORDINARY = re.compile(r"(FLATFILE|AGENT|PYTHON|LAMBDA|HTTPX|SSL|SSLKEYLOGFILE|NO_|FORCE_|TERM|HOME|TMPDIR|PATH)")
_NAME = re.compile(r"[A-Z][A-Z0-9_]{2,}")


class _Hosted:
    """One program and its events."""

    def __init__(self) -> None:
        self._input, self._output = os.dup(0), os.dup(1)
        os.close(0)
        self._mark = b""
        self._listener: Listener | None = None
        self._api: Api | None = None
        self._start_failure: str | None = None
        self._failure: str | None = None

    def serve(self) -> None:
        """Until there is no more input."""
        with asyncio.Runner() as runner:
            runner.get_loop().set_exception_handler(self._unhandled)
            while (frame := self._read()) is not None:
                if frame[:1] == b"L":
                    runner.run(self._load(json.loads(frame[1:])))
                else:
                    self._answer(runner.run(self._handle(json.loads(frame[1:]))))

    async def _load(self, given: dict[str, Any]) -> None:
        self._mark = f"\n\x1e{given['mark']} ".encode()
        os.environ.update(given["env"])
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._api = await Api(connection()).__aenter__()
        os.environ.__class__ = _Environment  # now, since the HTTP client looks for many a variable
        try:
            self._listener = load_listener(_PROGRAM)
        except ListenerLoadError as error:
            cause = error.__cause__
            if cause is not None:
                traceback.print_exception(cause)
            self._start_failure = f"The program cannot be loaded: {error}"

    async def _handle(self, event: dict[str, Any]) -> str | None:
        self._failure = self._start_failure
        if self._listener is not None and self._api is not None:
            try:
                failures = await self._listener.dispatch(event, self._api)
            except Exception as error:  # noqa: BLE001 - whatever it is, the execution failed
                traceback.print_exception(error)
                return f"{type(error).__name__}: {error}"
            if failures:
                return _told(failures[0])
        await asyncio.sleep(0)  # tasks that nobody waits for are told by now
        return self._failure

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        loop.default_exception_handler(context)
        self._failure = self._failure or f"Nobody waits for it: {context.get('exception') or context['message']}"

    def _answer(self, error: str | None) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._write(self._mark + json.dumps({"error": error}).encode() + b"\n")

    def _read(self) -> bytes | None:
        head = self._exactly(4)
        return None if head is None else self._exactly(struct.unpack(">I", head)[0])

    def _exactly(self, size: int) -> bytes | None:
        parts = bytearray()
        while len(parts) < size:
            part = os.read(self._input, size - len(parts))
            if not part:
                return None
            parts += part
        return bytes(parts)

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._output, data) :]


class _Environment(type(os.environ)):  # type: ignore[misc]  # a base that is computed: os hides its class
    """Tells whoever reads a variable that is not there where its value belongs."""

    def __getitem__(self, name: str) -> str:
        try:
            return str(super().__getitem__(name))
        except KeyError:
            if isinstance(name, str) and _NAME.fullmatch(name) and not _ORDINARY.match(name):
                hint = f'{name} is not a variable of a hosted listener; use: await event.secrets("{name}")'
                sys.stderr.write(f"{hint}\n")
            raise


def _told(failure: Failure) -> str:
    place = failure.place.removeprefix(f"{_PROGRAM.parent}/")
    source = ""
    name, _, line = failure.place.rpartition(":")
    if name == str(_PROGRAM) and line.isdigit():
        lines = _PROGRAM.read_text(encoding="utf-8", errors="replace").splitlines()
        source = f": {lines[int(line) - 1].strip()[:120]}" if int(line) <= len(lines) else ""
    return f"{failure.message}, at {place}{source}"


def main() -> None:
    """What the jail starts."""
    _Hosted().serve()
