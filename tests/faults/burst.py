"""Concurrent writers and a follower that go on until the server dies, and what they know when it is back."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from servers.sheetport import SheetportServer, send

WRITERS, ROUNDS = 4, 40
RECORDS = 3
SHEET = {"name": "People", "slug": "people", "fields": [{"key": "name", "type": "string"}]}
GONE = (OSError, http.client.HTTPException)


@dataclass
class Follower:
    """Follows the environment's events by long polls; after a crash it goes on from its last time token."""

    server: SheetportServer
    token: str = ""
    at: str = "0"
    #: position → event, in the order of delivery, and how many came again.
    seen: dict[int, dict[str, Any]] = field(default_factory=dict)
    again: int = 0

    def begin(self) -> None:
        """Get a token and take the position of now."""
        environment = self.server.development["id"]
        answer = self.server.request("GET", f"/v1/subscription?scope={environment}", token=key(self.server))
        self.token = answer.body["data"]["token"]
        self.poll()

    def poll(self, timeout: float = 30) -> int:
        """One poll; the number of messages."""
        channel = f"environment.{self.server.development['id']}"
        url = f"{self.server.url}/v2/subscribe/sub-c-sheetport/{channel}/0?auth={self.token}&tt={self.at}"
        answer = send(url, "GET", timeout=timeout)
        assert answer.status == 200, answer.body
        for message in answer.body["m"]:
            position = int(message["p"]["t"])
            self.again += position in self.seen
            self.seen.setdefault(position, message["d"])
        self.at = answer.body["t"]["t"]
        return len(answer.body["m"])

    def follow(self) -> None:
        """Poll until the server is gone."""
        with suppress(*GONE):
            while True:
                self.poll()


@dataclass
class Written:
    """What the server acknowledged: kind → ids. A sheet's value is the number of its acknowledged records."""

    spaces: list[str] = field(default_factory=list)
    workbooks: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    records: Counter[str] = field(default_factory=Counter)
    refused: list[Any] = field(default_factory=list)


def key(server: SheetportServer) -> str:
    return str(server.development["secretKey"])


def burst(server: SheetportServer, follower: Follower, written: Written) -> None:
    """Write from several threads, with the follower following, until the server is gone."""
    threads = [threading.Thread(target=write, args=(server, written)) for _ in range(WRITERS)]
    threads.append(threading.Thread(target=follower.follow))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "the server neither answers nor dies"


def write(server: SheetportServer, written: Written, rounds: int = ROUNDS) -> None:
    """Make space after space, each with a workbook, records and a job in it, until the server is gone."""
    with suppress(*GONE):
        for number in range(rounds):
            space = _post(server, written, "/v1/spaces", {"name": f"space {number}"})["id"]
            written.spaces.append(space)
            body = {"name": "book", "spaceId": space, "sheets": [SHEET]}
            book = _post(server, written, "/v1/workbooks", body)
            written.workbooks.append(book["id"])
            sheet = book["sheets"][0]["id"]
            records = [{"name": {"value": f"{number} {index}"}} for index in range(RECORDS)]
            made = _post(server, written, f"/v1/sheets/{sheet}/records", records)
            written.commits.append(made["commitId"])
            written.records[sheet] += RECORDS
            job = {"type": "workbook", "operation": "submit", "source": book["id"], "trigger": "immediate"}
            written.jobs.append(_post(server, written, "/v1/jobs", job)["id"])


def _post(server: SheetportServer, written: Written, path: str, body: Any) -> Any:
    answer = server.request("POST", path, body, key(server), timeout=20)
    if answer.status != 200:
        written.refused.append((path, answer.status, answer.body))
        raise OSError("refused")
    return answer.body["data"]


def lost(server: SheetportServer, written: Written) -> list[str]:
    """Acknowledged writes that the server does not have, and sheets of which it has a part."""
    faults = [str(refusal) for refusal in written.refused]
    for noun, ids in (("spaces", written.spaces), ("workbooks", written.workbooks), ("jobs", written.jobs)):
        faults += [f"{noun} {id_}" for id_ in ids if _get(server, f"/v1/{noun}/{id_}").status != 200]
    for sheet in written.records:
        faults += _sheet_faults(server, sheet, written.records[sheet])
    return faults


def _sheet_faults(server: SheetportServer, sheet: str, acknowledged: int) -> list[str]:
    rows = len(_get(server, f"/v1/sheets/{sheet}/records").body["data"]["records"])
    total = _get(server, f"/v1/sheets/{sheet}/counts").body["data"]["counts"]["total"]
    right = rows == total and total % RECORDS == 0 and total >= acknowledged
    return [] if right else [f"{sheet}: {rows} rows, counted {total}, acknowledged {acknowledged}"]


def half_applied(server: SheetportServer, follower: Follower) -> list[str]:
    """Things on the server, acknowledged or not, that are not whole or of which no event told."""
    told = Counter((event["topic"], part) for event in follower.seen.values() for part in event["context"].values())
    faults = []
    for noun in ("space", "workbook", "sheet", "job"):
        for event in follower.seen.values():
            id_ = event["context"].get(f"{noun}Id")
            if event["topic"] == f"{noun}:created" and _get(server, f"/v1/{noun}s/{id_}").status != 200:
                faults.append(f"{id_} was told of and is not there")
    for book in _get(server, "/v1/workbooks").body["data"]:
        sheets = book["sheets"]
        if len(sheets) != 1 or not told["workbook:created", book["id"]] or not told["sheet:created", sheets[0]["id"]]:
            faults.append(f"{book['id']} has {len(sheets)} sheets, or nobody was told of it")
    return faults + half_written(server)


def half_written(server: SheetportServer) -> list[str]:
    """Sheets, acknowledged or not, that have a part of an insert, and workbooks without a sheet."""
    books = _get(server, "/v1/workbooks").body["data"]
    faults = [f"{book['id']} has no sheet" for book in books if not book["sheets"]]
    return faults + [
        fault for book in books for sheet in book["sheets"] for fault in _sheet_faults(server, sheet["id"], 0)
    ]


def drain(follower: Follower, server: SheetportServer, seconds: float = 10) -> None:
    """Follow until an event written now, after all others, has come."""
    marker = server.request("POST", "/v1/spaces", {"name": "last"}, key(server)).body["data"]["id"]
    deadline = time.monotonic() + seconds
    while not any(event["context"].get("spaceId") == marker for event in follower.seen.values()):
        assert time.monotonic() < deadline, "events do not come any more"
        follower.poll()


def untold(follower: Follower, written: Written) -> list[str]:
    """Acknowledged writes whose event did not come."""
    topics = {"space:created": written.spaces, "workbook:created": written.workbooks, "job:created": written.jobs}
    topics |= {"commit:created": written.commits, "records:created": list(written.records)}
    texts = dict.fromkeys(topics, "")
    for event in follower.seen.values():
        if event["topic"] in texts:
            texts[event["topic"]] += json.dumps(event)
    return [f"{topic} of {id_}" for topic, ids in topics.items() for id_ in ids if id_ not in texts[topic]]


def _get(server: SheetportServer, path: str) -> Any:
    return server.request("GET", path, token=key(server))
