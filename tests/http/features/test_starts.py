"""Jobs that start from an action: told rightly, with the input its form asks for, refused where it may not start."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from sheetport.kernel.clock import HOUR
from worlds import Reply, World

QUESTIONS: list[dict[str, Any]] = [
    {"key": "why", "label": "Why", "type": "string", "constraints": [{"type": "required"}]},
    {"key": "how", "label": "How", "type": "textarea"},
    {"key": "many", "label": "How many", "type": "number", "defaultValue": 3},
    {"key": "sure", "label": "Sure", "type": "boolean"},
    {"key": "way", "label": "Way", "type": "enum", "config": {"options": [{"value": "a"}, {"value": 1}]}},
    {"key": "new", "label": "Of a newer client", "type": "calendar"},
]
ASK = {
    "operation": "ask",
    "label": "Ask",
    "mode": "toolbarBlocking",
    "inputForm": {"type": "simple", "fields": QUESTIONS},
}


def action(name: str, *constraints: str, **more: Any) -> dict[str, Any]:
    return {"operation": name, "label": name.title(), "constraints": [{"type": each} for each in constraints], **more}


FIELDS: list[dict[str, Any]] = [
    {"key": "name", "type": "string", "actions": [action("upper", "hasColumnEnabled")]},
    {"key": "id", "type": "string", "readonly": True, "actions": [action("upper", "hasColumnEnabled")]},
    {"key": "note", "type": "string"},
]
SHEET = {
    "name": "People",
    "slug": "people",
    "fields": FIELDS,
    "actions": [
        action("send", "hasAllValid"),
        {**action("check"), "constraints": [{"type": "hasAllValid", "ignoreSelection": True}]},
        action("old", requireAllValid=True, requireSelection=True),
        action("pick", "hasSelection"),
        action("count", "hasData"),
        action("tint", mount={"type": "field", "keys": ["note"]}),
        action("hold", messages=[{"type": "info", "content": "Mind"}, {"type": "error", "content": "Not on Sundays"}]),
    ],
}
OF_BOOK = [action("submit", "hasAllValid", "hasData"), ASK, action("each", "hasSelection", mount={"type": "sheet"})]


@dataclass
class Book:
    """A space with a document and a workbook of two sheets, of which the first has actions."""

    world: World
    space: str = ""
    book: str = ""
    sheet: str = ""
    page: str = ""

    async def post(self, path: str, body: Any) -> Any:
        reply = await self.world.call("POST", path, body)
        assert reply.status == 200, reply.body
        return reply.data

    async def start(self, kind: str, source: str, operation: str, **more: Any) -> Reply:
        body = {"type": kind, "source": source, "operation": operation, **more}
        return await self.world.call("POST", "/v1/jobs", {"trigger": "immediate", **body})

    async def insert(self, *names: str) -> list[str]:
        """Records of these names; one without a name is invalid."""
        broken = {"value": "", "messages": [{"type": "error", "message": "Who?"}]}
        body = [{"name": {"value": name} if name else broken} for name in names]
        return [each["id"] for each in (await self.post(f"/v1/sheets/{self.sheet}/records", body))["records"]]

    async def on_sheet(self, operation: str, column: str | None = None, **query: Any) -> Reply:
        params = {} if column is None else {"columnKey": column}
        subject = {"type": "collection", "resource": "records", "params": params, "query": query}
        return await self.start("sheet", self.sheet, operation, subject=subject)


@pytest.fixture
async def book(world: World) -> Book:
    made = Book(world)
    made.space = (await made.post("/v1/spaces", {"name": "Space", "actions": [action("greet")]}))["id"]
    other = {"name": "Others", "slug": "others", "fields": [{"key": "name", "type": "string"}]}
    body = {"name": "Book", "spaceId": made.space, "sheets": [SHEET, other], "actions": OF_BOOK}
    found = await made.post("/v1/workbooks", body)
    made.book, made.sheet = found["id"], found["sheets"][0]["id"]
    page = {"title": "Page", "body": "x", "actions": [action("sign")]}
    made.page = (await made.post(f"/v1/spaces/{made.space}/documents", page))["id"]
    return made


def refused(reply: Reply, status: int, key: str, words: str) -> None:
    assert (reply.status, reply.error["key"]) == (status, key), reply.body
    assert words in reply.error["message"]


async def test_each_thing_starts_its_jobs_and_listeners_hear_whose_they_are(book: Book) -> None:
    await book.insert("Ada")
    (place, *_) = await book.insert("Bob")
    for kind, source, operation in (
        ("space", book.space, "greet"),
        ("workbook", book.book, "submit"),
        ("document", book.page, "sign"),
        ("sheet", book.sheet, "count"),
        ("sheet", book.sheet, "of its caller's own"),
    ):
        assert (await book.start(kind, source, operation)).status == 200
    assert (await book.on_sheet("pick", ids=[place])).status == 200
    ready = [(event["context"], event["payload"], event["data_url"]) for event in await book.world.events("job:ready")]
    told = [(json.loads(payload), json.loads(context), url) for context, payload, url in ready]
    assert [payload["job"] for payload, _, _ in told] == [
        *("space:greet", "workbook:submit", "document:sign"),
        *("sheet:count", "sheet:of its caller's own", "sheet:pick"),
    ]
    assert [payload["domain"] for payload, _, _ in told] == [
        *("space", "workbook", "document", "sheet", "sheet", "sheet"),
    ]
    assert told[1][1]["workbookId"] == book.book
    assert told[2][1]["documentId"] == book.page
    assert (told[5][1]["sheetId"], told[5][1]["sheetSlug"]) == (book.sheet, "people")
    assert told[5][2] == f"v1/sheets/{book.sheet}/records?ids={place}"
    assert len(await book.world.events("job:created")) == len(ready)


async def test_the_answers_to_a_form_are_checked_and_its_defaults_filled_in(book: Book) -> None:
    async def ask(**given: Any) -> Reply:
        return await book.start("workbook", book.book, "ask", input=given)

    reply = await ask(why="so", sure=False, way=1, new={"day": 1}, beside="kept")
    assert reply.status == 200
    asked = {"why": "so", "sure": False, "way": 1, "new": {"day": 1}, "beside": "kept", "many": 3}
    assert (reply.data["input"], reply.data["mode"]) == (asked, "toolbarBlocking")
    assert json.loads((await book.world.events("job:ready"))[0]["payload"])["input"] == asked
    for given, key, words in (
        ({}, "input.why", "'Why'"),
        ({"why": ""}, "input.why", "requires"),
        ({"why": 5}, "input.why", "a text"),
        ({"why": "so", "many": "5"}, "input.many", "a number"),
        ({"why": "so", "many": True}, "input.many", "a number"),
        ({"why": "so", "sure": "yes"}, "input.sure", "true or false"),
        ({"why": "so", "way": "b"}, "input.way", "a, 1"),
        ({"why": "so", "way": True}, "input.way", "a, 1"),
    ):
        refused(await ask(**given), 400, key, words)
    both = await ask(how=1)
    assert [error["key"] for error in both.body["errors"]] == ["input.why", "input.how"]
    refused(await book.start("workbook", book.book, "ask"), 400, "input.why", "requires")
    own = await book.start("workbook", book.book, "other", input={"free": True})
    assert (own.status, own.data["input"]) == (200, {"free": True})
    assert len(await book.world.events("job:created")) == 2


async def test_what_needs_valid_records_or_data_waits_for_them(book: Book) -> None:
    refused(await book.start("workbook", book.book, "submit"), 409, "source", "no record yet")
    refused(await book.on_sheet("count"), 409, "source", "no record yet")
    good, bad, other = await book.insert("Ada", "", "Bob")
    assert (await book.on_sheet("count")).status == 200
    refused(await book.start("workbook", book.book, "submit"), 409, "source", "'Submit' needs its records valid")
    refused(await book.on_sheet("send"), 409, "source", "correct")
    assert (await book.on_sheet("send", ids=[good, other])).status == 200
    assert (await book.on_sheet("send", filter="all", ids=[bad])).status == 200  # all but this one
    refused(await book.on_sheet("send", ids=[good, bad]), 409, "subject.query", "correct")
    refused(await book.on_sheet("send", ids=bad), 409, "subject.query", "correct")
    refused(await book.on_sheet("check", ids=[good]), 409, "subject.query", "correct")
    mended = [{"id": bad, "values": {"name": {"value": "Cy", "messages": []}}}]
    assert (await book.world.call("PUT", f"/v1/sheets/{book.sheet}/records", mended)).status == 200
    assert (await book.start("workbook", book.book, "submit")).status == 200
    assert (await book.on_sheet("check", ids=[good])).status == 200


async def test_what_needs_a_selection_is_refused_without(book: Book) -> None:
    ids = await book.insert(*(f"n{number}" for number in range(150)))
    for subject in (None, {"type": "resource", "id": book.sheet}, {"type": "collection", "resource": "records"}):
        refused(await book.start("sheet", book.sheet, "pick", subject=subject), 400, "subject.query", "selection")
    for query in ({"ids": []}, {"ids": ["us_rc_nowhere"]}, {"filter": "error"}):
        refused(await book.on_sheet("pick", **query), 400, "subject.query", "selection")
    refused(await book.on_sheet("pick", ids=[1]), 400, "subject.query", "texts")
    refused(await book.on_sheet("pick", filter="odd"), 400, "filter", "valid")
    for query in ({"ids": ids}, {"filter": "all"}, {"ids": ids[:1]}):
        assert (await book.on_sheet("pick", **query)).status == 200
    refused(await book.on_sheet("old"), 400, "subject.query", "selection")
    assert (await book.on_sheet("old", ids=ids[:2])).status == 200
    refused(await book.on_sheet("each"), 400, "subject.query", "'Each'")  # the workbook's, mounted on its sheets
    assert (await book.on_sheet("each", ids=ids[:2])).status == 200


async def test_an_action_of_columns_starts_for_one_that_has_it(book: Book) -> None:
    key = "subject.params.columnKey"
    reply = await book.on_sheet("upper", column="name")
    assert (reply.status, reply.data["subject"]["params"]) == (200, {"columnKey": "name"})
    refused(await book.on_sheet("upper", column="id"), 409, key, "may be edited")
    for column in (None, "note", "nowhere"):
        refused(await book.on_sheet("upper", column=column), 400, key, "name, id")
    assert (await book.on_sheet("tint", column="note")).status == 200
    refused(await book.on_sheet("tint", column="name"), 400, key, "one of note")


async def test_a_message_of_type_error_disables_an_action(book: Book) -> None:
    refused(await book.on_sheet("hold"), 409, "operation", "Not on Sundays")
    assert await book.world.events("job:created") == []


async def test_parts_and_strangers_are_not_judged_by_actions(book: Book) -> None:
    whole = (await book.start("workbook", book.book, "all")).data
    part = await book.start("workbook", book.book, "ask", parentId=whole["id"])
    assert part.status == 200
    strange = {"type": "workbook", "source": book.book, "operation": "ask"}
    for token in (book.world.sk_other, book.world.sk_prod):
        assert (await book.world.call("POST", "/v1/jobs", strange, token=token)).status == 404


async def test_a_scheduled_action_starts_only_when_its_constraints_hold(book: Book) -> None:
    await book.world.app.cron.run()
    form = {"type": "simple", "fields": QUESTIONS}
    planned = [
        action("full", "hasData", schedule="hourly", inputForm=form),
        action("never", "hasSelection", schedule="hourly"),
        action("off", schedule="hourly", messages=[{"type": "error", "content": "Off"}]),
    ]
    update = {"sheets": [{"id": book.sheet, "actions": planned}]}
    assert (await book.world.call("PATCH", f"/v1/workbooks/{book.book}", update)).status == 200
    for expected in ([], ["full"]):
        book.world.clock.advance(HOUR)
        await book.world.app.cron.run()
        made = [json.loads(event["payload"]) for event in await book.world.events("job:created")]
        assert [payload["operation"] for payload in made] == expected
        await book.insert("Ada")
    assert made[0]["input"] == {"many": 3}
