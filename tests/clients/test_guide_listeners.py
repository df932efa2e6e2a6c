"""The guide's listeners, word for word, under the unmodified npm packages: secrets, scopes, and what lacks."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from clients.conftest import Furnished, add, add_workbook
from clients.guide import BASIC_ENV, SCOPED_SECRETS, SECRETS, replaced, with_data
from clients.programs import mounted, running
from clients.receiver import Receiver, running_receiver
from servers.commands import PROGRAM
from servers.sheetport import SheetportServer
from sheetport.preload import PRELOAD_PATH

Project = Callable[[str], Path]

LISTEN = [PROGRAM, "run", "--", "node", "listen.mjs"]
BEARER = "ext-key-of-the-guide"
DATA = '[{ email: "ada@example.com" }]'
#: Shows what the guide's listener is given, which it keeps to itself.
SHOW = """client.on("job:ready", (event) => {
  const read = event.secrets.bind(event);
  event.secrets = async (...asked) => { const got = await read(...asked); console.log("credential", got); return got };
})"""


def submit(server: SheetportServer, workbook: str) -> str:
    """The id of a submit job, told to the listeners."""
    body = {"type": "workbook", "operation": "submitAction", "source": workbook, "trigger": "immediate"}
    return str(add(server, "/v1/jobs", body)["id"])


def job(server: SheetportServer, job_id: str) -> dict[str, Any]:
    answer = server.request("GET", f"/v1/jobs/{job_id}", token=server.development["secretKey"])
    return dict(answer.body["data"])


def keep(server: SheetportServer, name: str, value: str, **scope: str) -> None:
    """A secret of development, or of what ``scope`` names."""
    body = {"name": name, "value": value, "environmentId": server.development["id"], **scope}
    assert server.request("POST", "/v1/secrets", body, server.development["secretKey"]).status == 200


def keep_webhook(server: SheetportServer, receiver: Receiver, **scope: str) -> None:
    keep(server, "EXTERNAL_API_KEY", BEARER, **scope)
    keep(server, "WEBHOOK_URL", receiver.url, **scope)


def check_received(receiver: Receiver) -> None:
    posted = receiver.posted.get(timeout=20)
    assert posted.headers["authorization"] == f"Bearer {BEARER}"
    assert posted.body == [{"email": "ada@example.com"}]
    assert receiver.posted.empty()


def test_the_listener_sends_with_the_secrets_of_its_space(furnished: Furnished, node_project: Project) -> None:
    project = node_project("api-1.23.1")
    (project / "guide.mjs").write_text(with_data(DATA))
    (project / "listen.mjs").write_text(mounted())
    space, workbook = add_workbook(furnished.server)
    with running_receiver() as receiver:
        keep_webhook(furnished.server, receiver, spaceId=space)
        with running(LISTEN, project, furnished.server.client_variables(), "mounted"):
            submit(furnished.server, workbook)
            check_received(receiver)


def test_options_name_another_environment_and_space(furnished: Furnished, node_project: Project) -> None:
    server, project = furnished.server, node_project("pubsub-1.23.0")
    space, workbook = add_workbook(server)
    keep(server, "API_TOKEN", "of the environment")
    keep(server, "API_TOKEN", "of the job's space", spaceId=space)
    keep(server, "API_TOKEN", "of the space asked for", spaceId=furnished.space)
    values = {"us_env_specific_env": server.development["id"], "us_spa_specific_space": furnished.space}
    (project / "guide.mjs").write_text(replaced(SCOPED_SECRETS, values))
    (project / "listen.mjs").write_text(mounted(before=SHOW))
    with running(LISTEN, project, server.client_variables(), "mounted") as program:
        submit(server, workbook)
        program.wait_for("credential of the space asked for")
        assert program.said.count("credential") == 1


def test_run_unchanged_the_listener_fails_on_its_undeclared_data_and_its_job_by_the_rule(
    furnished: Furnished, node_project: Project
) -> None:
    """The client prints the error and goes on, so the server hears nothing more of the job."""
    server, project = furnished.server, node_project("pubsub-1.23.0")
    (project / "guide.mjs").write_text(SECRETS)
    (project / "listen.mjs").write_text(mounted())
    space, workbook = add_workbook(server)
    with running_receiver() as receiver:
        keep_webhook(server, receiver, spaceId=space)
        with running(LISTEN, project, server.client_variables(), "mounted") as program:
            job_id = submit(server, workbook)
            program.wait_for("data is not defined")
            assert "ReferenceError" in program.said
            assert job(server, job_id)["status"] == "ready"
            let_patience_end(server, job_id)
            ended = wait_for_end(server, job_id)
        assert receiver.posted.empty()
    assert ended["status"] == "failed"
    message = ended["outcome"]["message"]
    assert "not acknowledged for 5 minutes" in message
    assert "Connected were: " in message


def let_patience_end(server: SheetportServer, job_id: str) -> None:
    """As if the five minutes were over now."""
    with closing(sqlite3.connect(server.data / "sheetport.db", timeout=10)) as db, db:
        changed = db.execute("UPDATE jobs SET deadline_at = 1 WHERE id = ? AND deadline_at > 1", (job_id,)).rowcount
    assert changed == 1


def wait_for_end(server: SheetportServer, job_id: str) -> dict[str, Any]:
    end = time.monotonic() + 30
    while (seen := job(server, job_id))["status"] == "ready":
        assert time.monotonic() < end, "the job stays ready"
        time.sleep(0.2)
    return seen


def test_the_command_line_clients_develop_runs_the_listener(
    furnished: Furnished, node_project: Project, node: str
) -> None:
    """Key and environment come from the guide's .env file, which that client reads by itself."""
    server, project = furnished.server, node_project("cli")
    values = {
        "sk_your_secret_key_here": server.development["secretKey"],
        "us_env_your_environment_id": server.development["id"],
    }
    (project / ".env").write_text(replaced(BASIC_ENV, values))
    (project / "guide.js").write_text(with_data(DATA))
    variables = {"FLATFILE_API_URL": server.url, "NODE_OPTIONS": f"--require {PRELOAD_PATH}"}
    space, workbook = add_workbook(server)
    command = [node, "node_modules/.bin/flatfile", "develop", "guide.js"]
    with running_receiver() as receiver:
        keep_webhook(server, receiver, spaceId=space)
        with running(command, project, variables, "File change detected"):
            submit(server, workbook)
            check_received(receiver)
