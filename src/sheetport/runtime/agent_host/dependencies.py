"""What Python programs depend on: installed in the jail, kept for their processes.

Only wheels are taken: making one from a source distribution runs code of its author. Even so the installing happens in
the jail, which reaches the package index only where the agent's list of allowed hosts has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from sheetport.config import MEBIBYTE
from sheetport.runtime.agent_host.gate import Gate, Server, hosts_file, ports_of, split_host
from sheetport.runtime.agent_host.launching import Launcher, LaunchFailed
from sheetport.runtime.agent_host.model import Limits, Program
from sheetport.runtime.agent_host.process import make_jail, make_slot
from sheetport.runtime.agent_host.runtimes import python

MAX_BYTES = 256 * MEBIBYTE
_SECONDS = 180.0
_MEMORY = 512 * MEBIBYTE
_MAX_SAID = 64 * 1024
#: pip's own output goes to standard error; standard output is the archive of what it installed.
_INSTALL = """
import os, sys, tarfile
archive = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
sys.path += ["/packages/0", "/packages/1"]
from pip._internal.cli.main import main
wanted = ["--target", "/tmp/packages", "--only-binary=:all:", "--no-cache-dir", "--no-compile", "--no-input"]
quiet = ["--disable-pip-version-check", "--progress-bar=off", "--quiet", "--retries=1", "--timeout=15"]
code = main(["install", *wanted, *quiet, *sys.argv[1:]])
if code == 0:
    with tarfile.open(fileobj=archive, mode="w|") as made:
        made.add("/tmp/packages", ".")
    archive.close()
sys.exit(code)
"""


class Dependencies:
    """Installed sets of packages, one folder for each set; they outlive the host.

    ``index_url`` is a package index as pip takes it.
    """

    def __init__(self, folder: Path, index_url: str) -> None:
        self._folder = folder
        self._index = index_url
        self._turn = asyncio.Lock()

    def place(self, requirements: tuple[str, ...]) -> Path:
        """Where the set is, or will be."""
        text = "\n".join((sys.version, os.uname().machine, *requirements))
        return self._folder / hashlib.sha256(text.encode()).hexdigest()[:32]

    async def install(
        self,
        program: Program,
        requirements: tuple[str, ...],
        launcher: Launcher,
        slot: Path,
        gate: Gate,
        server: Server,
    ) -> str | None:
        """Installs the set if it is missing; what went wrong as one line, else None."""
        async with self._turn:
            if self.place(requirements).is_dir():
                return None
            if urlsplit(self._index).hostname not in {split_host(each)[0] for each in program.allowed_hosts}:
                return (
                    f"The dependencies come from {urlsplit(self._index).netloc}, which this agent may not call: put it,"
                    " and the host that its files are on, on the agent's list of allowed hosts."
                )
            try:
                async with asyncio.timeout(_SECONDS):
                    return await self._install(program, requirements, launcher, slot, gate, server)
            except TimeoutError:
                return f"The dependencies were not installed within {_SECONDS:g} seconds."
            except (LaunchFailed, OSError, tarfile.TarError) as error:
                return f"The dependencies cannot be installed: {error}"
            finally:
                gate.close()
                await asyncio.to_thread(shutil.rmtree, slot, ignore_errors=True)

    async def _install(
        self,
        program: Program,
        requirements: tuple[str, ...],
        launcher: Launcher,
        slot: Path,
        gate: Gate,
        server: Server,
    ) -> str | None:
        make_slot(slot)
        (slot / "etc/hosts").write_text(hosts_file(program, server))
        said: list[str] = []
        gate.admit(program, said.append)
        limits = Limits(memory_bytes=_MEMORY, temporary_bytes=MAX_BYTES)
        jail = make_jail(slot, python(self._command(requirements)), limits, ports_of(program, server), namespaces=True)
        with tempfile.TemporaryFile() as archive, tempfile.TemporaryFile() as errors:
            reading, writing = os.pipe()
            nothing = os.open(os.devnull, os.O_RDONLY)
            try:
                launched = await launcher.launch(jail, (nothing, writing, errors.fileno()))
            finally:
                os.close(writing)
                os.close(nothing)
            try:
                await gate.listen(launched.listening)
                await asyncio.to_thread(_copy, reading, archive)
                end = await launched.ended
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(launched.pid, signal.SIGKILL)
            if end.status != 0:
                errors.seek(0)
                lines = errors.read(_MAX_SAID).decode(errors="replace").strip().splitlines()
                return " ".join(["The dependencies cannot be installed:", *said[:1], *lines[-2:]])[:500]
            await asyncio.to_thread(self._unpack, archive, self.place(requirements))
        return None

    def _command(self, requirements: tuple[str, ...]) -> tuple[str, ...]:
        trusted = (f"--trusted-host={urlsplit(self._index).netloc}",) if self._index.startswith("http:") else ()
        return ("-c", _INSTALL, "--index-url", self._index, *trusted, *requirements)

    def _unpack(self, archive: BinaryIO, place: Path) -> None:
        archive.seek(0)
        self._folder.mkdir(parents=True, exist_ok=True)
        unpacked = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            unpacked.chmod(0o755)
            with tarfile.open(fileobj=archive) as made:
                made.extractall(unpacked, filter=_plain)  # noqa: S202 - plain files inside only  # nosec B202
            unpacked.rename(place)
        except BaseException:
            shutil.rmtree(unpacked, ignore_errors=True)
            raise


def _plain(member: tarfile.TarInfo, place: str) -> tarfile.TarInfo | None:
    """Files and folders inside the place only, readable for everybody: the jail's user is nobody else's."""
    if not (member.isfile() or member.isdir()):
        return None
    return tarfile.data_filter(member, place).replace(mode=0o755 if member.isdir() else 0o644, deep=False)


def _copy(reading: int, archive: BinaryIO) -> None:
    size = 0
    with os.fdopen(reading, "rb") as source:
        while data := source.read(MEBIBYTE):
            size += len(data)
            if size > MAX_BYTES:
                raise OSError(f"they are larger than {MAX_BYTES // MEBIBYTE} MiB")
            archive.write(data)
