"""One real server for the tests of commands, and a way to type them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from servers.commands import Command, run_command
from servers.data_places import DataPlace
from servers.sheetport import SheetportServer

#: Prints the variable NAME of its argument.
PRINT = "import os, sys; print(os.environ[sys.argv[1]])"


class Shell:
    """A user's shell in a folder of its own, on the machine of a server."""

    def __init__(self, server: SheetportServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.variables = {**server.env, "XDG_CONFIG_HOME": str(folder / "config")}

    def type(
        self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """``sheetport ARGUMENTS`` to its end; its standard input is no terminal."""
        return run_command(*arguments, stdin=stdin, env={**self.variables, **(env or {})}, cwd=self.folder)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """``sheetport ARGUMENTS`` in the background, with pipes."""
        pipe = subprocess.PIPE
        return Command(arguments, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=self.variables, cwd=self.folder)

    def printed(self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
        """What a command that has to succeed printed."""
        done = self.type(*arguments, stdin=stdin, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
        """The one-line error of a command that has to end with status 1 and print nothing else."""
        done = self.type(*arguments, stdin=stdin, env=env)
        assert (done.returncode, done.stdout) == (1, ""), done
        assert done.stderr.startswith("error: "), done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    def variable(self, name: str, *options: str, env: Mapping[str, str] | None = None) -> str:
        """A variable as a program under ``sheetport run`` sees it."""
        return self.printed("run", *options, "--", sys.executable, "-c", PRINT, name, env=env).removesuffix("\n")

    def status(self, token: str, path: str = "/v1/environments") -> int:
        """The HTTP status the server gives this token."""
        return self.server.request("GET", path, token=token).status


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SheetportServer]:
    """A server that a worker's tests of commands share: each uses names of its own."""
    place = DataPlace("sqlite", tmp_path_factory.mktemp("cli") / "data", None)
    server = SheetportServer(place)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def shell(shared_server: SheetportServer, tmp_path: Path) -> Shell:
    """A shell beside the shared server."""
    return Shell(shared_server, tmp_path)


@pytest.fixture
def nowhere(shell: Shell, tmp_path: Path) -> Shell:
    """A shell on a machine where no server runs."""
    shell.variables["SHEETPORT_DATA"] = str(tmp_path / "no-server")
    return shell


def end(process: subprocess.Popen[str]) -> None:
    """End a process that a test started, whatever became of it."""
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)
