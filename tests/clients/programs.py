"""Programs that use the clients, started as a developer starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from servers.sheetport import clean_environment

#: The guide's function under the unmodified npm listener and driver, as the packages' own documentation mounts one.
MOUNTED = """
import flatfileEventListener from "./guide.mjs";
import { Client } from "@flatfile/listener";
import { PubSubDriver } from "@flatfile/listener-driver-pubsub";
const driver = new PubSubDriver(process.env.FLATFILE_ENVIRONMENT_ID);
const listener = Client.create((client) => { BEFORE; flatfileEventListener(client); AFTER; });
driver.mountEventHandler(listener);
driver.start().then(() => console.log("mounted"));
"""


def mounted(before: str = "", after: str = "") -> str:
    """A program that mounts ``guide.mjs`` beside it, with handlers that run before and after the guide's."""
    return MOUNTED.replace("BEFORE", before).replace("AFTER", after)


class Program:
    """A program that stays; its output, errors included, goes to a file."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self._output = output

    @property
    def said(self) -> str:
        """All its output until now."""
        return self._output.read_text(errors="replace")

    def wait_for(self, text: str, seconds: float = 30) -> None:
        """Returns once the output contains ``text``; fails with the output when it ends or takes too long."""
        end = time.monotonic() + seconds
        while text not in self.said:
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.said}"
            assert time.monotonic() < end, f"no {text!r} within {seconds} s: {self.said}"
            time.sleep(0.05)


@contextmanager
def running(command: Sequence[str], folder: Path, variables: Mapping[str, str], ready: str) -> Iterator[Program]:
    """Starts ``command`` in ``folder`` and waits until its output contains ``ready``; ends its process group."""
    output = folder / "program.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=clean_environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    program = Program(process, output)
    try:
        program.wait_for(ready)
        yield program
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run(command: Sequence[str], folder: Path, variables: Mapping[str, str], stdin: str | None = None) -> str:
    """Runs ``command`` to its end, which has to be a good one; returns its output."""
    done = subprocess.run(
        command, cwd=folder, env=clean_environment(variables), input=stdin, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
