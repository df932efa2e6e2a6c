"""Whether jails hold on this machine: tried with a program that wants out, before programs of others are let in."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import tempfile
from pathlib import Path

from sheetport.runtime.agent_host.launching import Launcher, LaunchFailed
from sheetport.runtime.agent_host.model import Limits
from sheetport.runtime.agent_host.process import make_jail, make_slot
from sheetport.runtime.agent_host.runtimes import python
from sheetport.runtime.agent_jail import probe

_SECONDS = 20.0


async def weakness(launcher: Launcher, slot: Path, limits: Limits, *, namespaces: bool) -> str | None:
    """What a jailed Python program could do, or why none can be started; None when the jail holds."""
    if not namespaces:
        return "This machine gives agents no namespaces of their own, which a jail for Python needs."
    try:
        async with asyncio.timeout(_SECONDS):
            layers, succeeded = await _tried(launcher, slot, limits)
    except (LaunchFailed, OSError, ValueError, TimeoutError) as error:
        return f"The self-test of the jail cannot be run: {error or type(error).__name__}"
    finally:
        await asyncio.to_thread(shutil.rmtree, slot, ignore_errors=True)
    if not layers["landlock"]:
        return "This machine's kernel has no Landlock, which a jail for Python needs."
    return f"The self-test of the jail succeeded in: {', '.join(succeeded)}." if succeeded else None


async def _tried(launcher: Launcher, slot: Path, limits: Limits) -> tuple[dict[str, int], list[str]]:
    make_slot(slot)
    # What everybody on this machine may read and connect to, so that only the jail refuses it.
    with tempfile.NamedTemporaryFile() as outside, socket.socket() as listening:
        os.chmod(outside.name, 0o644)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        runtime = python(("/host/probe.py", outside.name, str(listening.getsockname()[1])))
        jail = make_jail(slot, runtime, limits, [], namespaces=True)
        jail["shown"].append([str(Path(probe.__file__)), "/host/probe.py"])
        reading, writing = os.pipe()
        closed = os.open(os.devnull, os.O_RDONLY)
        try:
            launched = await launcher.launch(jail, (closed, writing, writing))
        finally:
            os.close(writing)
            os.close(closed)
        with os.fdopen(reading, "rb") as output:
            said = await asyncio.to_thread(output.read)
        await launched.ended
    return launched.layers, json.loads(said)
