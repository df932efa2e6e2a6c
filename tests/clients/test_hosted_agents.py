"""Listeners deployed by the unmodified command-line client, and run by the server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clients.conftest import Furnished
from servers.sheetport import SheetportServer, clean_environment

Project = Callable[[str], Path]

LISTENER = """
import { readFileSync } from "node:fs";
export default function (listener) {
  listener.on("job:ready", { job: "workbook:hosted" }, async (event) => {
    const key = await event.secrets("EXTERNAL_API_KEY");
    console.log("secret has", key.length, "letters");
  });
}
"""


def flatfile(server: SheetportServer, project: Path, *words: str, say: str = "") -> str:
    """Run the client in a project; its output."""
    development = server.development
    variables = {
        "FLATFILE_API_URL": server.url,
        "FLATFILE_API_KEY": development["secretKey"],
        "FLATFILE_ENVIRONMENT_ID": development["id"],
        "FLATFILE_AGENT_NAMESPACE": "space:all",
    }
    command = ["node", str(project / "node_modules" / "flatfile" / "dist" / "index.js"), *words]
    done = subprocess.run(
        command, cwd=project, env=clean_environment(variables), input=say, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def agents(server: SheetportServer) -> list[dict[str, Any]]:
    path = f"/v1/agents?environmentId={server.development['id']}"
    return list(server.request("GET", path, token=server.development["secretKey"]).body["data"])


@pytest.fixture
def project(node_project: Project) -> Path:
    """A project with a listener, as the client wants it."""
    folder = node_project("cli")
    (folder / "index.js").write_text(LISTENER)
    return folder


def test_the_client_deploys_lists_downloads_and_deletes(furnished: Furnished, project: Path) -> None:
    server = furnished.server
    said = flatfile(server, project, "deploy", "index.js", "-s", "orders", "--ci")
    (agent,) = agents(server)
    assert (agent["slug"], "job:ready" in agent["topics"]) == ("orders", True), said
    flatfile(server, project, "deploy", "index.js", "-s", "orders", "--ci")
    assert [each["id"] for each in agents(server)] == [agent["id"]], "the same slug is the same agent"
    assert "orders" in flatfile(server, project, "list")
    assert "Downloaded agent export" in flatfile(server, project, "download", "-s", "orders")
    assert "workbook:hosted" in (project / "bundle.js").read_text()
    assert json.loads((project / "bundle.js.map").read_text())["sources"]
    flatfile(server, project, "delete", "-s", "orders", say="y\n")
    assert agents(server) == []
