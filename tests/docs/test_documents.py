"""Every fenced command in README.md and docs/start works, in order, as a reader would type it.

A page that starts no server itself finds a fresh one at http://127.0.0.1:4010 whose data lies in the
working folder's ``sheetport-data``, and EMAIL, PASSWORD, SECRET_KEY, PUBLISHABLE_KEY and ENVIRONMENT_ID
of its development environment. README.md runs in a copy of the project.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from architecture.sources import ROOT, project_files
from docs.documents import read_blocks
from docs.runner import PageRun
from servers.data_places import DataPlace
from servers.node import node_tools
from servers.sheetport import EMAIL, PASSWORD, SheetportServer, clean_environment

DEFAULT_PORT = 4010
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "start").glob("*.md"))]

#: The pages use the default port, so one worker runs them one after another.
pytestmark = pytest.mark.xdist_group("default-port")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_the_page_works(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    blocks = read_blocks(page)
    with ExitStack() as stack:
        if page.name == "README.md":
            copy_project(folder)
        else:
            folder.mkdir()
        environment = reader_environment()
        if not any("runs until" in block.notes for block in blocks):
            server = SheetportServer(DataPlace("sqlite", folder / "sheetport-data", None), port=DEFAULT_PORT)
            stack.callback(server.stop)
            server.start()
            environment |= credentials(server)
        ran = stack.enter_context(PageRun(page, folder, environment)).run()
    assert ran == sum(block.to_run for block in blocks)


def test_the_readme_shows_the_two_commands() -> None:
    blocks = read_blocks(ROOT / "README.md")
    shell = [block for block in blocks if block.language in {"sh", "bash", "console"}]
    assert any("./test" in block.text for block in shell)
    assert any("Sheetport is ready" in block.notes.get("runs until", "") for block in shell)


def reader_environment() -> dict[str, str]:
    """A shell in which ``sheetport`` and ``node`` are on the PATH."""
    places = [str(Path(sys.executable).parent), str(Path(node_tools().node).parent), os.environ["PATH"]]
    return clean_environment({"PATH": os.pathsep.join(places)})


def credentials(server: SheetportServer) -> dict[str, str]:
    """What the pages take as known of a server that runs."""
    entry = server.development
    return {
        "EMAIL": EMAIL,
        "PASSWORD": PASSWORD,
        "SECRET_KEY": entry["secretKey"],
        "PUBLISHABLE_KEY": entry["publishableKey"],
        "ENVIRONMENT_ID": entry["id"],
    }


def copy_project(folder: Path) -> None:
    """The project as a clone has it, with what is not committed yet."""
    for path in project_files():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
