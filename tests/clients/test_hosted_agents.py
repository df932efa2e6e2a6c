"""Listeners deployed by the unmodified command-line client, and run by the server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clients.conftest import Furnished, add_workbook
from clients.guide import with_data
from clients.test_guide_listeners import submit
from hosted import Hosted, wait_for
from servers.sheetport import SheetportServer, clean_environment

Project = Callable[[str], Path]
FIELD = "email"
#: The guide's listener in Python.
PYTHON = """
import httpx

from sheetport.listener import Event, Listener

listener = Listener()


@listener.on("job:ready")
async def send(event: Event) -> None:
    key = await event.secrets("EXTERNAL_API_KEY")
    url = await event.secrets("WEBHOOK_URL")
    data = [{"email": {"value": "ada@example.com"}}]
    async with httpx.AsyncClient() as http:
        answer = await http.post(url, json=data, headers={"Authorization": f"Bearer {key}"})
        answer.raise_for_status()
"""
DATA = f'[{{ {FIELD}: {{ value: "ada@example.com" }} }}]'


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


def audited(server: SheetportServer, action: str) -> list[dict[str, Any]]:
    """The audit records of an action."""
    signed_in = server.request("POST", "/v1/auth", {"email": server.email, "password": server.password})
    found = server.request("GET", f"/v1/audit?action={action}&pageSize=100", token=signed_in.body["accessToken"])
    return list(found.body["data"])


def check_it_sends_with_its_secrets(hosted: Hosted, agent_id: str) -> None:
    """The guide's listener is told of a job and posts to where its secret says, with the key that another one holds."""
    space, workbook = add_workbook(hosted.server)
    sheet = hosted.call("GET", f"/v1/workbooks/{workbook}")["sheets"][0]["id"]
    webhook = f"{hosted.server.url}/v1/sheets/{sheet}/records"
    for name, value in (("EXTERNAL_API_KEY", hosted.key), ("WEBHOOK_URL", webhook)):
        secret = {"name": name, "value": value, "environmentId": hosted.environment_id, "spaceId": space}
        hosted.call("POST", "/v1/secrets", secret)
    submit(hosted.server, workbook)
    (done,) = wait_for(lambda: hosted.executions(agent_id))
    assert (done["success"], done["topic"], done["spaceId"]) == (True, "job:ready", space), hosted.logs(agent_id)
    records = hosted.call("GET", f"/v1/sheets/{sheet}/records")["records"]
    assert [record["values"][FIELD]["value"] for record in records] == ["ada@example.com"]
    reads = audited(hosted.server, "secret:read")
    assert {(read["actor"]["kind"], read["actor"]["id"]) for read in reads} >= {("agent", agent_id)}, reads


@pytest.fixture
def project(node_project: Project) -> Path:
    """A project with a listener, as the client wants it."""
    folder = node_project("cli")
    (folder / "index.js").write_text(with_data(DATA))
    return folder


def test_the_client_deploys_the_guides_listener_which_runs_and_is_listed_downloaded_and_deleted(
    furnished: Furnished, project: Path
) -> None:
    server, hosted = furnished.server, Hosted(furnished.server)
    said = flatfile(server, project, "deploy", "index.js", "-s", "guide", "--ci")
    (agent,) = agents(server)
    assert (agent["slug"], agent["topics"]) == ("guide", ["job:ready"]), said

    check_it_sends_with_its_secrets(hosted, agent["id"])

    assert "guide" in flatfile(server, project, "list")
    assert "Downloaded agent export" in flatfile(server, project, "download", "-s", "guide")
    assert "EXTERNAL_API_KEY" in (project / "bundle.js").read_text()
    assert json.loads((project / "bundle.js.map").read_text())["sources"]
    flatfile(server, project, "delete", "-s", "guide", say="y\n")
    assert agents(server) == []


def test_the_guides_listener_in_python_is_deployed_and_does_the_same(furnished: Furnished, tmp_path: Path) -> None:
    hosted = Hosted(furnished.server)
    (tmp_path / "guide.py").write_text(PYTHON)
    done = furnished.server.command(
        "deploy", str(tmp_path / "guide.py"), "--slug", "guide", "--environment", "development"
    )
    assert done.returncode == 0, done.stderr
    (agent,) = agents(furnished.server)
    assert (agent["slug"], agent["topics"]) == ("guide", ["job:ready"])
    check_it_sends_with_its_secrets(hosted, agent["id"])
