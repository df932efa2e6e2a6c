"""Work that would hold the interpreter for long, done by a process of its own: it never touches the database.

A process takes its whole input on standard input and writes frames, each behind its length, on standard output. It
ends with its input's reader: when the server dies, its next write fails.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator

import structlog

from sheetport.kernel.errors import Unavailable

#: As many at a time; more requests wait, each with its body in memory.
AT_ONCE = max(1, (os.cpu_count() or 1) - 1)
_LENGTH = 4
#: So much is handed on at a time: others are served in between.
_SLICE = 256 * 1024
_KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "SYSTEMROOT")
_places = asyncio.Semaphore(AT_ONCE)
_log = structlog.get_logger()


async def frames_of(module: str, *parts: bytes) -> AsyncGenerator[bytes, None]:
    """The frames that ``python -m module`` makes of the parts. Raises Unavailable when it ends before its work does."""
    async with _places:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
        )
        feeding = asyncio.create_task(_feed(process, parts))
        try:
            while frame := await _next_frame(process):
                yield frame
            if await process.wait() != 0:
                _log.warning("process.failed", module=module, status=process.returncode)
                raise Unavailable("The server could not finish reading the body; nothing was changed. Try again.")
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _feed(process: asyncio.subprocess.Process, parts: tuple[bytes, ...]) -> None:
    if process.stdin is None:
        return
    for part in parts:
        view = memoryview(part)
        for start in range(0, len(part), _SLICE):
            process.stdin.write(view[start : start + _SLICE])
            await process.stdin.drain()
    process.stdin.close()


async def _next_frame(process: asyncio.subprocess.Process) -> bytes:
    """The next frame; empty at the end, or where the process ended in the middle of one."""
    if process.stdout is None:
        return b""
    try:
        size = int.from_bytes(await process.stdout.readexactly(_LENGTH), "big")
        return await process.stdout.readexactly(size)
    except asyncio.IncompleteReadError:
        return b""
