"""``sheetport export`` and ``import`` as a user types them: beside a running server, and without one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from cli.conftest import Shell
from servers.data_places import DataPlace
from servers.sheetport import SheetportServer
from sheetport.cli.local_socket import local_socket

ROWS = 1_500


def fill(server: SheetportServer, environment: str = "development") -> str:
    """A space with records and a secret; the sheet's id."""
    where = server.environments[environment]

    def made(path: str, body: Any) -> Any:
        answer = server.request("POST", path, body, token=where["secretKey"])
        assert answer.status == 200, answer.body
        return answer.body["data"]

    space = made("/v1/spaces", {"name": "Moved", "environmentId": where["id"]})["id"]
    sheet = {"name": "People", "slug": "people", "fields": [{"key": "name", "type": "string"}]}
    book = made("/v1/workbooks", {"name": "Book", "spaceId": space, "sheets": [sheet]})
    rows = [{"name": {"value": f"person {number}"}} for number in range(ROWS)]
    made(f"/v1/sheets/{book['sheets'][0]['id']}/records", rows)
    secret = {"name": "PARTNER KEY", "value": "never-exported", "environmentId": where["id"], "spaceId": space}
    made("/v1/secrets", secret)
    return str(book["sheets"][0]["id"])


def names(server: SheetportServer, sheet: str, token: str) -> list[str]:
    """The first values of an imported sheet."""
    answer = server.request("GET", f"/v1/sheets/{sheet}/records?pageSize=3", token=token)
    assert answer.status == 200, answer.body
    return [record["values"]["name"]["value"] for record in answer.body["data"]["records"]]


def test_an_environment_goes_out_and_comes_back_under_another_name(shell: Shell) -> None:
    server = shell.server
    sheet = fill(server, "production")
    done = shell.type("export", "--environment", "production", "one.zip")
    assert (done.returncode, done.stdout) == (0, ""), done
    assert "1,500 records" in done.stderr
    assert (shell.folder / "one.zip").stat().st_mode & 0o077 == 0
    assert b"never-exported" not in (shell.folder / "one.zip").read_bytes()
    assert "'production'; choose another name" in shell.refused("import", "one.zip")

    done = shell.type("import", "one.zip", "--name", "moved")
    assert done.returncode == 0, done.stderr
    assert "1 spaces, 1 workbooks, 1 sheets, 1,500 records" in done.stdout
    assert "sheetport secrets set 'PARTNER KEY' --environment us_env_" in done.stderr
    assert "secret key       sk_prod_" in done.stdout, "its keys are those of the kind of environment it was"
    made = json.loads(shell.printed("import", "one.zip", "--name", "moved again", "--json"))
    assert made["counts"]["records"] == ROWS
    assert [one["name"] for one in made["toSet"]] == ["PARTNER KEY"]
    assert names(server, made["ids"][sheet], made["secretKey"]) == ["person 0", "person 1", "person 2"]


def test_a_connection_that_ends_gives_its_import_up(shell: Shell) -> None:
    with local_socket(shell.server.data) as connection:
        begun = connection.call("begin-import", account=None, name="half", sheetCount=1)
        rows = [[number, '["x"]', None, True] for number in range(1, 11)]
        connection.call("import-rows", environmentId=begun["environmentId"], sheetNo=1, rows=rows)
        assert stored(shell.server, begun["environmentId"]) == (1, 10)
    assert stored(shell.server, begun["environmentId"]) == (0, 0)


def stored(server: SheetportServer, environment_id: str) -> tuple[int, int]:
    """How many environments of this id the database holds, and how many records in it."""
    with closing(sqlite3.connect(server.data / "sheetport.db")) as connection:
        queries = ("environments WHERE id = ?", "records WHERE environment_id = ?")
        one, two = (
            connection.execute(f"SELECT count(*) FROM {query}", [environment_id]).fetchone()[0] for query in queries
        )
    return one, two


def test_without_a_server_it_is_the_same(
    server: Callable[..., SheetportServer], data_place: DataPlace, tmp_path: Path
) -> None:
    running = server(data_place)
    sheet = fill(running)
    where = ["--data", str(running.data), *data_place.arguments]

    def typed(*arguments: str) -> str:
        done = running.command(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    typed("export", str(tmp_path / "running.zip"), *where)
    running.stop()
    typed("export", str(tmp_path / "stopped.zip"), *where)
    assert (tmp_path / "running.zip").read_bytes() == (tmp_path / "stopped.zip").read_bytes()
    made = json.loads(typed("import", str(tmp_path / "running.zip"), "--name", "copy", "--json", *where))
    running.start()
    assert names(running, made["ids"][sheet], made["secretKey"]) == ["person 0", "person 1", "person 2"]


def test_a_place_without_a_server_is_said(nowhere: Shell) -> None:
    assert "holds no database" in nowhere.refused("export", "out.zip")
