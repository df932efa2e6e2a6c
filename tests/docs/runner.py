"""Runs a page's blocks in order, in one working folder, as a reader would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from docs.documents import Block, read_blocks, shell_commands

BLOCK_SECONDS = 300
#: Carries the exported variables and the folder from one shell block to the next.
SHELL = """set -euo pipefail
[ ! -e "$PAGE_STATE" ] || source "$PAGE_STATE"
trap 'status=$?; { export -p; printf "cd %q\\n" "$PWD"; } > "$PAGE_STATE"; exit $status' EXIT
source "$1"
"""


class BlockError(AssertionError):
    """A block that did not do what the page says; the message has page, line, command and output."""


class PageRun:
    """One reading of one page. Use as a context manager: leaving ends what ``runs until`` started."""

    def __init__(self, page: Path, folder: Path, environment: Mapping[str, str]) -> None:
        self.page = page
        self.folder = folder
        self.ran = 0
        self._state = folder.parent / f"{folder.name}.state"
        self._environment = {**environment, "PAGE_STATE": str(self._state)}
        self._background: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> PageRun:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._background:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def run(self) -> int:
        """Runs every block; returns how many commands were run. Raises BlockError at the first that fails."""
        for block in read_blocks(self.page):
            if "file" in block.notes:
                self._write(block)
            elif block.to_run:
                self._run_block(block)
                self.ran += 1
        return self.ran

    def _write(self, block: Block) -> None:
        path = self.folder / block.notes["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)

    def _run_block(self, block: Block) -> None:
        command = self._command(block)
        if "runs until" in block.notes:
            self._start(block, command)
            return
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=BLOCK_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise self._failure(block, f"ran longer than {BLOCK_SECONDS} s", error.stdout or b"") from None
        if done.returncode:
            raise self._failure(block, f"ended with status {done.returncode}", done.stdout)
        wanted = block.notes.get("prints", "")
        if wanted.encode() not in done.stdout:
            raise self._failure(block, f"did not print {wanted!r}", done.stdout)

    def _command(self, block: Block) -> list[str]:
        """The command line of a block."""
        stem = f"line-{block.line}"
        if block.language == "python":
            script = self.folder / f"{stem}.py"
            script.write_text(block.text)
            return [sys.executable, str(script)]
        if block.language == "js":
            script = self.folder / f"{stem}.mjs"
            script.write_text(block.text)
            return ["sheetport", "run", "--", "node", str(script)]
        script = self.folder.parent / f"{self.folder.name}-{stem}.sh"
        script.write_text(shell_commands(block))
        return ["bash", "-c", SHELL, "page", str(script)]

    def _start(self, block: Block, command: list[str]) -> None:
        """Starts a block that stays, and waits for its text."""
        output = self.folder.parent / f"{self.folder.name}-line-{block.line}.log"
        with output.open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._background.append(process)
        wanted = block.notes["runs until"].encode()
        end = time.monotonic() + BLOCK_SECONDS
        while wanted not in output.read_bytes():
            if process.poll() is not None:
                raise self._failure(block, f"ended with status {process.returncode} too early", output.read_bytes())
            if time.monotonic() > end:
                raise self._failure(block, f"did not print {wanted.decode()!r}", output.read_bytes())
            time.sleep(0.1)

    def _failure(self, block: Block, what: str, output: bytes) -> BlockError:
        said = output.decode(errors="replace")[-3000:]
        return BlockError(f"{self.page.name}:{block.line} {what}\n--- commands\n{block.text}--- output\n{said}")
