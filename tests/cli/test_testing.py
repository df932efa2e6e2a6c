"""``sheetport testing run`` and the page that teaches the test kit."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from architecture.sources import ROOT
from cli.conftest import end
from docs.runner import PageRun
from docs.test_documents import reader_environment
from servers.commands import PROGRAM
from servers.sheetport import clean_environment

PAGE = ROOT / "docs" / "howto" / "test-listeners.md"
#: Says whose key it has been given and waits for a signal.
HELD = """
import os, signal, sys, urllib.request
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
call = urllib.request.Request(os.environ["FLATFILE_API_URL"] + "/v1/environments")
call.add_header("Authorization", "Bearer " + os.environ["FLATFILE_API_KEY"])
print(urllib.request.urlopen(call).status, "preload.cjs" in os.environ["NODE_OPTIONS"], flush=True)
signal.pause()
"""


def test_the_examples_of_the_page_pass(tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    with PageRun(PAGE, folder, reader_environment()) as page:
        assert page.run() == 2


def test_the_program_has_a_server_of_its_own_gets_signals_and_gives_its_status(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    around = clean_environment({"TMPDIR": str(kept), "FLATFILE_API_KEY": "sk_dev_of_another_server"})
    pipe = subprocess.PIPE
    command = [PROGRAM, "testing", "run", "--", sys.executable, "-c", HELD]
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=around, cwd=tmp_path)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "200 True\n"
        assert list(kept.iterdir()) != []
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 7
        assert list(kept.iterdir()) == [], "the data goes with the server"
    finally:
        end(process)
