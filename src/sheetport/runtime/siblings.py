"""The server processes behind one port tell each other how they do, so that one scrape shows them all.

Each answers whoever connects to its socket in the folder that their parent made for them. Nothing is told before
somebody asks.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
import structlog

from sheetport.http.metrics import Snapshot

ANSWER_SECONDS = 2.0
_SUFFIX = ".sock"
_log = structlog.get_logger()


@asynccontextmanager
async def telling(folder: Path, worker: int, snapshot: Callable[[], Snapshot]) -> AsyncGenerator[None, None]:
    """Answer siblings until the context ends. The next process of the same number takes the name over."""

    async def on_connection(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(msgspec.json.encode(snapshot()))
        writer.close()

    name = f"{worker}{_SUFFIX}"
    (folder / name).unlink(missing_ok=True)
    with _short(folder) as path:
        server = await asyncio.start_unix_server(on_connection, f"{path}/{name}")
    try:
        yield
    finally:
        server.close()


async def ask_siblings(folder: Path, own: int) -> list[Snapshot]:
    """What the others say; one that does not answer is left out."""
    own_name = f"{own}{_SUFFIX}"
    names = [name for name in os.listdir(folder) if name.endswith(_SUFFIX) and name != own_name]
    answers = await asyncio.gather(*(_ask(folder, name) for name in names))
    return [answer for answer in answers if answer is not None]


async def _ask(folder: Path, name: str) -> Snapshot | None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            with _short(folder) as path:
                reader, writer = await asyncio.open_unix_connection(f"{path}/{name}")
            try:
                return msgspec.json.decode(await reader.read(), type=Snapshot)
            finally:
                writer.close()
    except (OSError, TimeoutError, msgspec.DecodeError) as error:
        _log.info("metrics.sibling-silent", worker=name.removesuffix(_SUFFIX), error=type(error).__name__)
        return None


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    """A folder by its descriptor: a socket's path must be short."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}"
    finally:
        os.close(directory)
