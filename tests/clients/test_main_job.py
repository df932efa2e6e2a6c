"""The main job on real data: rows of two clients in, one submit job, every row at the receiver once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from flatfile import Flatfile
from flatfile.jobs.types.job_response import JobResponse

from clients.flights import Row, flight_tables
from clients.guide import with_data
from clients.programs import mounted, run, running
from clients.receiver import Posted, Receiver, running_receiver
from servers.commands import PROGRAM
from servers.data_places import DataPlace
from servers.sheetport import SheetportServer

Project = Callable[[str], Path]

BEARER = "ext-key-of-the-receiver"
OUTCOME = "Every record was sent."

#: One line for the guide's listener. It reads as the guide's own calls do, with the event's key.
DATA = (
    "(await Promise.all((await event.fetch(`v1/sheets?workbookId=${event.context.workbookId}`)).map(async (sheet) =>"
    " [sheet.slug, (await event.fetch(`v1/sheets/${sheet.id}/records`)).records])))"
)
#: The guide's listener ends with its fetch; these start and end the job around it.
ACK = 'client.on("job:ready", (event) => api.jobs.ack(event.context.jobId, { info: "Sending", progress: 10 }))'
COMPLETE = (
    'client.on("job:ready", (event) => api.jobs.complete(event.context.jobId,'
    f" {{ outcome: {{ message: {json.dumps(OUTCOME)} }} }}))"
)

PYTHON_LISTENER = f"""
import httpx

from sheetport.listener import Event, Listener

listener = Listener()


@listener.on("job:ready", job="workbook:submitAction")
async def submit(event: Event) -> None:
    await event.job.ack("Sending", 10)
    url = await event.secrets("WEBHOOK_URL")
    key = await event.secrets("EXTERNAL_API_KEY")
    data = []
    for sheet in await event.fetch(f"v1/sheets?workbookId={{event.context['workbookId']}}"):
        page = await event.fetch(f"v1/sheets/{{sheet['id']}}/records")
        data.append([sheet["slug"], page["records"]])
    async with httpx.AsyncClient() as http:
        answer = await http.post(url, json=data, headers={{"Authorization": f"Bearer {{key}}"}})
    answer.raise_for_status()
    await event.job.complete({OUTCOME!r})
"""

INSERT = """
import api from "@flatfile/api";
import { readFileSync } from "node:fs";
const { sheetId, rows } = JSON.parse(readFileSync(0, "utf8"));
let inserted = 0;
for (let at = 0; at < rows.length; at += 1000) {
  const answer = await api.records.insert(sheetId, rows.slice(at, at + 1000));
  inserted += answer.data.records.length;
}
console.log(inserted);
"""
READ_JOB = """
import api from "@flatfile/api";
const { data } = await api.jobs.get(process.argv[2]);
console.log(JSON.stringify({ status: data.status, message: data.outcome.message, progress: data.progress }));
"""


def cells(rows: list[Row]) -> list[dict[str, dict[str, str]]]:
    """Rows as both clients take them."""
    return [{column: {"value": value} for column, value in row.items()} for row in rows]


class Job:
    """The space, workbook and sheets of one run, and the two clients that fill and watch them."""

    def __init__(self, server: SheetportServer, project: Path, http: httpx.Client) -> None:
        self.server, self.project = server, project
        self.variables = server.client_variables()
        key = server.development["secretKey"]
        self.python = Flatfile(base_url=f"{server.url}/v1", token=key, httpx_client=http)
        for name, script in (("insert.mjs", INSERT), ("job.mjs", READ_JOB)):
            (project / name).write_text(script)

    def npm(self, script: str, *arguments: str, stdin: str | None = None) -> Any:
        """What a program with the unmodified npm client prints, as JSON."""
        command = [PROGRAM, "run", "--", "node", script, *arguments]
        return json.loads(run(command, self.project, self.variables, stdin))

    def workbook(self, tables: dict[str, list[Row]]) -> Any:
        """A new space with one workbook, a sheet per table; every field a text, as the files have them."""
        environment = self.server.development["id"]
        space = self.python.spaces.create(name="Flights of 2013", environment_id=environment).data
        body = {
            "name": "Flights",
            "spaceId": space.id,
            "environmentId": environment,
            "sheets": [
                {"name": table, "slug": table, "fields": [{"key": key, "type": "string"} for key in rows[0]]}
                for table, rows in tables.items()
            ],
            "actions": [{"operation": "submitAction", "label": "Submit", "mode": "foreground", "primary": True}],
        }
        answer = self.server.request("POST", "/v1/workbooks", body, self.server.development["secretKey"])
        assert answer.status == 200, answer
        return self.python.workbooks.get(answer.body["data"]["id"]).data

    def fill(self, sheet_id: str, rows: list[Row]) -> None:
        """The first half through npm, the second through PyPI; each client hears of every row of its own."""
        half = len(rows) // 2
        given = json.dumps({"sheetId": sheet_id, "rows": cells(rows[:half])})
        assert self.npm("insert.mjs", stdin=given) == half
        for at in range(half, len(rows), 1000):
            part = cells(rows[at : at + 1000])
            assert len(self.python.records.insert(sheet_id, request=part).data.records) == len(part)  # type: ignore[union-attr]

    def submit(self, workbook_id: str) -> JobResponse:
        """A submit job, as a press on the workbook's button makes one."""
        return self.python.jobs.create(
            type="workbook", operation="submitAction", source=workbook_id, trigger="immediate"
        )

    def ended(self, job_id: str) -> dict[str, Any]:
        """The job once it has ended, as PyPI's client and npm's see it: they have to agree."""
        end = time.monotonic() + 30
        while (job := self.python.jobs.get(job_id).data).status not in ("complete", "failed", "canceled"):
            assert time.monotonic() < end, f"the job stays {job.status}"
            time.sleep(0.1)
        seen = {"status": job.status, "message": (job.outcome or {}).get("message"), "progress": job.progress}
        assert self.npm("job.mjs", job_id) == seen
        return seen


@contextmanager
def npm_listener(job: Job) -> Iterator[None]:
    """The guide's listener with its one line, under the unmodified npm listener and driver."""
    (job.project / "guide.mjs").write_text(with_data(DATA))
    (job.project / "listen.mjs").write_text('import api from "@flatfile/api";' + mounted(ACK, COMPLETE))
    with running([PROGRAM, "run", "--", "node", "listen.mjs"], job.project, job.variables, "mounted"):
        yield


@contextmanager
def python_listener(job: Job) -> Iterator[None]:
    """The same in Python, by ``sheetport listen``."""
    (job.project / "submit.py").write_text(PYTHON_LISTENER)
    with running([PROGRAM, "listen", "submit.py"], job.project, job.variables, "Connected to"):
        yield


@pytest.mark.parametrize(
    ("listening", "data_place"), [(npm_listener, "sqlite"), (python_listener, "postgresql")], indirect=["data_place"]
)
def test_every_row_reaches_the_receiver_once(
    listening: Callable[[Job], Any],
    data_place: DataPlace,
    server: Callable[..., SheetportServer],
    node_project: Project,
) -> None:
    one, tables = server(data_place), flight_tables()
    with running_receiver() as receiver, httpx.Client() as http:
        job = Job(one, node_project("pubsub-1.23.0"), http)
        book = job.workbook(tables)
        sheets = {sheet.slug: sheet.id for sheet in book.sheets}
        tell_secrets(job, receiver)
        for table, rows in tables.items():
            job.fill(sheets[table], rows)
        with listening(job):
            submitted = job.submit(book.id).data
            assert job.ended(submitted.id) == {"status": "complete", "message": OUTCOME, "progress": 100}
        check_received(receiver.posted.get(timeout=5), tables)
        assert receiver.posted.empty(), "the receiver was called more than once"
    check_log(one, book.id, submitted.id)


def tell_secrets(job: Job, receiver: Receiver) -> None:
    environment = job.server.development["id"]
    job.python.secrets.upsert(name="EXTERNAL_API_KEY", value=BEARER, environment_id=environment)
    job.python.secrets.upsert(name="WEBHOOK_URL", value=receiver.url, environment_id=environment)


def check_received(posted: Posted, tables: dict[str, list[Row]]) -> None:
    """The bearer header, and per sheet exactly the file's rows, in the file's order, each under an id of its own."""
    assert (posted.path, posted.headers["authorization"]) == ("/webhook/flatfile", f"Bearer {BEARER}")
    assert [slug for slug, _ in posted.body] == list(tables)
    for slug, records in posted.body:
        got = [{column: cell["value"] for column, cell in record["values"].items()} for record in records]
        assert got == tables[slug], f"{slug} came otherwise than it is in the file"
    ids = [record["id"] for _, records in posted.body for record in records]
    assert len(set(ids)) == len(ids) == sum(map(len, tables.values()))


def check_log(server: SheetportServer, workbook_id: str, job_id: str) -> None:
    """The job's life is in the event log, each step once, with the workbook it was about; its secrets are nowhere."""
    path = f"/v1/events?environmentId={server.development['id']}&domain=job&pageSize=100"
    answer = server.request("GET", path, token=server.development["secretKey"])
    life = [event for event in answer.body["data"] if event["context"].get("jobId") == job_id]
    topics = [event["topic"] for event in life]
    assert {topic: topics.count(topic) for topic in ("job:created", "job:ready", "job:completed")} == {
        "job:created": 1,
        "job:ready": 1,
        "job:completed": 1,
    }
    assert {event["context"]["workbookId"] for event in life} == {workbook_id}
    assert BEARER not in server.log.read_text(errors="replace")
