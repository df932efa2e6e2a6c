"""``sheetport init-listener``: what it makes is tested and run as its README says, and ends a real job."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.conftest import Shell
from clients.programs import run, running
from servers.commands import PROGRAM
from servers.node import PACKAGES, install_packages, node_tools
from servers.sheetport import SheetportServer

#: What a starter holds besides its program.
ALIKE = {".env.example", ".gitignore", "README.md"}


def post(server: SheetportServer, path: str, body: object) -> dict[str, object]:
    answer = server.request("POST", path, body, server.development["secretKey"])
    assert answer.status == 200, answer
    return dict(answer.body["data"])


def submitted(server: SheetportServer) -> str:
    """The message with which a new submit job of an empty workbook was completed."""
    space = post(server, "/v1/spaces", {"name": "Started", "environmentId": server.development["id"]})["id"]
    sheet = {"name": "People", "slug": "people", "fields": [{"key": "email", "type": "string"}]}
    submit = {"operation": "submitAction", "label": "Submit", "primary": True}
    book = post(server, "/v1/workbooks", {"name": "Book", "spaceId": space, "sheets": [sheet], "actions": [submit]})
    wanted = {"type": "workbook", "operation": "submitAction", "source": book["id"], "trigger": "immediate"}
    job = post(server, "/v1/jobs", wanted)["id"]
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = server.request("GET", f"/v1/jobs/{job}", token=server.development["secretKey"]).body["data"]
        if found["status"] in {"complete", "failed"}:
            return str(found["outcome"]["message"])
        time.sleep(0.05)
    raise AssertionError(found)


def paths(shell: Shell) -> dict[str, str]:
    """The shell's variables, with ``sheetport``, ``node`` and ``npm`` on the PATH."""
    places = [str(Path(PROGRAM).parent), str(Path(node_tools().node).parent), os.environ["PATH"]]
    return {**shell.variables, "PATH": os.pathsep.join(places)}


def check_alike(folder: Path, program: set[str]) -> None:
    """Its files are there and hold no key; git would keep the example and leave the filled-in file alone."""
    assert {one.name for one in folder.iterdir()} == ALIKE | program
    assert not any(re.search(r"(sk|pk)_\w+_\w{6}|pat_\w{6}", one.read_text()) for one in folder.iterdir())
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    kept = ["git", "check-ignore", ".env.example", ".env.development", ".env"]
    assert subprocess.run(kept, cwd=folder, capture_output=True, text=True).stdout.split() == kept[3:]
    shutil.rmtree(folder / ".git")


def test_the_python_starter_passes_its_test_and_ends_a_job(shell: Shell) -> None:
    said = shell.type("init-listener", "my listener")
    assert (said.returncode, said.stdout) == (0, "")
    assert (
        f"cd 'my listener'\n    {sys.executable} -m unittest\n    sheetport listen listener.py --reload" in said.stderr
    )
    folder = shell.folder / "my listener"
    check_alike(folder, {"listener.py", "test_listener.py"})
    tested = subprocess.run([sys.executable, "-m", "unittest"], cwd=folder, capture_output=True, text=True, timeout=60)
    assert re.search(r"Ran 1 test .*\s+OK\n$", tested.stderr), tested.stderr
    with running([PROGRAM, "listen", "listener.py", "--reload"], folder, shell.variables, "Connected"):
        assert submitted(shell.server) == "0 rows arrived."


def test_the_node_starter_passes_its_test_and_ends_a_job(shell: Shell) -> None:
    said = shell.type("init-listener", "--js", "starters/js")
    assert said.returncode == 0, said.stderr
    assert "npm install\n    sheetport testing run -- npm test\n    npm start\n" in said.stderr
    folder = shell.folder / "starters" / "js"
    check_alike(folder, {"listener.js", "listener.test.js", "package.json", "start.js"})
    (folder / "node_modules").symlink_to(install_packages("api-1.23.1") / "node_modules")
    variables = paths(shell)
    assert re.search(r"pass 1\b", run([PROGRAM, "testing", "run", "--", "npm", "test"], folder, variables))
    with running(["npm", "start"], folder, variables, "The listener is connected"):
        assert submitted(shell.server) == "0 rows arrived."


def test_the_node_starter_names_the_versions_that_are_tested(shell: Shell) -> None:
    shell.type("init-listener", "--js", ".")
    wanted = json.loads((PACKAGES / "api-1.23.1" / "package.json").read_text())["dependencies"]
    assert json.loads((shell.folder / "package.json").read_text())["dependencies"] == wanted


@pytest.mark.parametrize("place", ["full", "full/kept.txt", "full/kept.txt/below"])
def test_what_is_there_is_left_alone(shell: Shell, place: str) -> None:
    (shell.folder / "full").mkdir()
    (shell.folder / "full" / "kept.txt").write_text("mine")
    said = shell.refused("init-listener", place)
    assert f"{place} is there already and is no empty folder" in said or "Not a directory" in said
    assert [one.name for one in (shell.folder / "full").iterdir()] == ["kept.txt"]
    assert (shell.folder / "full" / "kept.txt").read_text() == "mine"
