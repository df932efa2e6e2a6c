"""Records over HTTP: order, all or nothing, exact shapes, commits and their events, isolation, concurrency."""

from __future__ import annotations

import asyncio
import gzip
import json
from dataclasses import dataclass
from typing import Any

import pytest

from worlds import START, Reply, World

FIELDS = [{"key": "name", "type": "string"}, {"key": "age", "type": "number"}, {"key": "tags", "type": "string-list"}]
ERROR = {"type": "error", "source": "custom-logic", "message": "No"}


def cell(value: Any, *messages: dict[str, str]) -> dict[str, Any]:
    """A cell as it is read."""
    return {"value": value, "messages": list(messages), "valid": not messages}


@dataclass
class Table:
    """A sheet, and calls to it."""

    world: World
    id: str
    workbook_id: str
    space_id: str
    space_token: str

    async def call(self, method: str, rest: str = "/records", body: Any = None, **kwargs: Any) -> Reply:
        return await self.world.call(method, f"/v1/sheets/{self.id}{rest}", body, **kwargs)

    async def insert(self, *records: dict[str, Any], **kwargs: Any) -> Any:
        """The answer's data; records are given as field → value."""
        body = [{key: {"value": value} for key, value in record.items()} for record in records]
        reply = await self.call("POST", body=body, **kwargs)
        assert reply.status == 200, reply.body
        return reply.data

    async def names(self, query: str = "", **kwargs: Any) -> list[Any]:
        """The value of ``name`` of the records that a query finds."""
        reply = await self.call("GET", f"/records{query}", **kwargs)
        assert reply.status == 200, reply.body
        return [record["values"]["name"]["value"] for record in reply.data["records"]]

    async def counts(self, query: str = "") -> Any:
        return (await self.call("GET", f"/counts{query}")).data["counts"]


async def new_table(world: World, *, sk: str = "", env: str = "", settings: Any = None, **config: Any) -> Table:
    """A sheet in a new workbook of a new space."""
    token = sk or world.sk
    space = await world.call("POST", "/v1/spaces", {"name": "Space", "environmentId": env or world.dev}, token=token)
    assert space.status == 200, space.body
    sheet = {"name": "People", "slug": "people", "fields": FIELDS} | config
    body = {"name": "Book", "spaceId": space.data["id"], "sheets": [sheet]}
    if settings is not None:
        body["settings"] = settings
    book = await world.call("POST", "/v1/workbooks", body, token=token)
    assert book.status == 200, book.body
    space_token = space.data["accessToken"]
    return Table(world, book.data["sheets"][0]["id"], book.data["id"], space.data["id"], space_token)


@pytest.fixture
async def table(world: World) -> Table:
    return await new_table(world)


def parsed(event: dict[str, Any]) -> dict[str, Any]:
    return event | {"context": json.loads(event["context"]), "payload": json.loads(event["payload"])}


# ---- insert and read -----------------------------------------------------------------------------


async def test_records_have_exactly_the_members_listeners_compare(table: Table) -> None:
    body = [
        {"name": {"value": "Ada", "layer": "x", "messages": [ERROR]}, "age": {"value": 36}},
        {"values": {"tags": {"value": ["a"]}}, "metadata": {"m": 1}, "config": {"readonly": True}},
    ]
    made = await table.call("POST", body=body)
    assert made.status == 200
    assert made.data.keys() == {"success", "records", "counts", "versionId", "commitId"}
    assert made.data["counts"] == {"total": 2, "valid": 1, "error": 1}
    assert made.data["versionId"] == made.data["commitId"]
    assert made.data["commitId"].startswith("us_vr_")
    first, second = made.data["records"]
    assert first == {
        "id": first["id"],
        "values": {"name": cell("Ada", ERROR), "age": cell(36), "tags": cell(None)},
        "valid": False,
        "metadata": {},
        "config": {},
    }
    assert second["values"]["tags"] == cell(["a"])
    assert (second["metadata"], second["config"], second["valid"]) == ({"m": 1}, {"readonly": True}, True)
    read = await table.call("GET")
    assert read.body == {"data": {"success": True, "records": [first, second]}}
    assert read.headers["content-type"].startswith("application/json")


async def test_pages_keep_the_order_of_insertion(table: Table) -> None:
    for start in (0, 3):
        await table.insert(*({"name": f"n{number}"} for number in range(start, start + 3)))
    assert await table.names() == ["n0", "n1", "n2", "n3", "n4", "n5"]
    assert await table.names("?pageSize=4") == ["n0", "n1", "n2", "n3"]
    assert await table.names("?pageSize=4&pageNumber=2") == ["n4", "n5"]
    assert await table.names("?pageSize=4&pageNumber=3") == []
    for query, key in (("?pageSize=10001", "pageSize"), ("?pageNumber=0", "pageNumber")):
        reply = await table.call("GET", f"/records{query}")
        assert (reply.status, reply.error["key"]) == (400, key)


async def test_a_gzip_body_is_taken(table: Table) -> None:
    body = gzip.compress(json.dumps([{"name": {"value": "Zoë"}}]).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert (await table.call("POST", content=body, headers=headers)).status == 200
    assert await table.names() == ["Zoë"]


async def test_no_records_are_no_commit(table: Table) -> None:
    reply = await table.call("POST", content=b"[]")
    assert reply.data == {"success": True, "records": [], "counts": {"total": 0, "valid": 0, "error": 0}}
    assert await table.world.events("commit:created") == []


async def test_five_thousand_rows_are_all_or_nothing(table: Table) -> None:
    rows = [{"name": {"value": f"n{number}"}, "age": {"value": number}} for number in range(5_000)]
    bad = [*rows[:4_999], {"age": {"value": {"deep": 1}}}]
    reply = await table.call("POST", body=bad)
    assert (reply.status, reply.error["key"]) == (400, "records[4999].age")
    assert (await table.counts(), await table.world.events("records:created")) == (counted(0), [])
    made = await table.call("POST", body=rows)
    assert [record["values"]["age"]["value"] for record in made.data["records"]] == list(range(5_000))
    read = (await table.call("GET", "/records?pageSize=2500&pageNumber=2")).data["records"]
    assert read == made.data["records"][2_500:]
    assert await table.counts() == counted(5_000)


@pytest.mark.parametrize(
    ("body", "key", "said"),
    [
        (b'[{"name": {"value": "a\\u0000b"}}]', "records[0].name.value", "NUL"),
        (b'[{"nam": {"value": "x"}}]', "records[0].nam", "'name'"),
        (b'{"name": {"value": "x"}}', "records", "array"),
        (b"[", "records", "JSON"),
        (b"", "records", "JSON"),
        (b'[{"id": 5}]', "records[0].id", "field"),
    ],
)
async def test_bad_bodies_name_the_record_and_the_fix(table: Table, body: bytes, key: str, said: str) -> None:
    reply = await table.call("POST", content=body)
    assert (reply.status, reply.error["key"]) == (400, key)
    assert said in reply.error["message"]
    assert await table.counts() == counted(0)


async def test_fields_and_messages_can_be_left_out(table: Table) -> None:
    await table.call("POST", body=[{"name": {"value": "Ada", "messages": [ERROR]}, "age": {"value": 36}}])
    read = await table.call("GET", "/records?fields=age&fields=name&includeMessages=false")
    assert read.data["records"][0]["values"] == {"name": cell("Ada") | {"valid": False}, "age": cell(36)}
    reply = await table.call("GET", "/records?fields=nope")
    assert (reply.status, reply.error["key"]) == (400, "fields")


async def test_a_field_added_later_reads_as_empty_and_a_removed_one_not_at_all(table: Table) -> None:
    await table.insert({"name": "Ada", "age": 36})
    sheet = {"id": table.id, "name": "People", "slug": "people"}
    fields = [FIELDS[0], {"key": "city", "type": "string"}]
    path = f"/v1/workbooks/{table.workbook_id}"
    assert (await table.world.call("PATCH", path, {"sheets": [{**sheet, "fields": fields}]})).status == 200
    read = (await table.call("GET")).data["records"][0]
    assert read["values"] == {"name": cell("Ada"), "city": cell(None)}
    change = await table.call("PUT", body=[{"id": read["id"], "values": {"city": {"value": "Rome"}}}])
    assert change.status == 200
    read = (await table.call("GET")).data["records"][0]
    assert read["values"] == {"name": cell("Ada"), "city": cell("Rome")}


async def test_records_are_found_by_ids_and_validity(table: Table) -> None:
    made = await table.insert({"name": "a"}, {"name": "b"}, {"name": "c"})
    ids = [record["id"] for record in made["records"]]
    await table.call("PUT", body=[{"id": ids[1], "values": {"name": {"messages": [ERROR]}}}])
    assert await table.names(f"?ids={ids[2]}&ids={ids[0]}&ids=us_rc_nothing") == ["a", "c"]
    assert await table.names("?ids=us_rc_nothing") == []
    assert await table.names("?filter=error") == ["b"]
    assert await table.names("?filter=valid") == ["a", "c"]
    assert await table.names("?filter=none") == ["a", "b", "c"]
    assert await table.names(f"?filter=all&ids={ids[0]}") == ["b", "c"], "with a filter, ids are left out"
    assert await table.names(f"?filter=valid&ids={ids[0]}&pageSize=1&pageNumber=2") == []
    reply = await table.call("GET", "/records?includeLength=true&filter=error")
    assert reply.data["counts"] == counted(1, error=1)
    reply = await table.call("GET", "/records?includeCounts=true&filter=error")
    assert reply.data["counts"] == counted(3, error=1)
    reply = await table.call("GET", f"/records?includeLength=true&ids={ids[0]}")
    assert reply.data["counts"] == counted(1)


@pytest.mark.parametrize("query", ["sortField=name", "sortDirection=asc", "q=x", "searchValue=x", "filterField=name"])
async def test_what_is_not_supported_is_refused_not_ignored(table: Table, query: str) -> None:
    reply = await table.call("GET", f"/records?{query}")
    assert (reply.status, reply.error["key"]) == (400, query.partition("=")[0])
    assert "not supported yet" in reply.error["message"]


async def test_a_wrong_filter_and_too_many_ids_are_refused(table: Table) -> None:
    reply = await table.call("GET", "/records?filter=broken")
    assert (reply.status, reply.error["key"]) == (400, "filter")
    many = "&".join(f"ids=us_rc_{number}" for number in range(101))
    for method in ("GET", "DELETE"):
        reply = await table.call(method, f"/records?{many}")
        assert (reply.status, reply.error["key"]) == (400, "ids")
        assert "100" in reply.error["message"]


# ---- commits -------------------------------------------------------------------------------------


async def test_an_insert_tells_of_records_and_a_commit_whose_data_url_gives_exactly_its_records(table: Table) -> None:
    await table.insert({"name": "before"})
    made = await table.insert({"name": "a"}, {"name": "b"})
    await table.insert({"name": "after"})
    world = table.world
    _, event, _ = [parsed(event) for event in await world.events("commit:created")]
    assert (event["domain"], event["payload"]) == ("workbook", {"trackChanges": False})
    assert event["data_url"] == f"v1/sheets/{table.id}/records?commitId={made['commitId']}"
    assert event["context"] | {"actorId": ""} == {
        "accountId": world.account_id,
        "environmentId": world.dev,
        "spaceId": table.space_id,
        "workbookId": table.workbook_id,
        "sheetId": table.id,
        "sheetSlug": "people",
        "commitId": made["commitId"],
        "versionId": made["commitId"],
        "actorId": "",
    }
    read = await world.call("GET", f"/{event['data_url']}")
    assert read.data["records"] == made["records"]
    assert read.data["commitId"] == made["commitId"]
    assert await table.names(f"?sinceCommitId={made['commitId']}") == ["after"]
    told = parsed((await world.events("records:created"))[1])
    assert (told["domain"], told["payload"]) == ("workbook", {"recordCount": 2})
    assert told["context"]["commitId"] == made["commitId"]


async def test_a_changed_value_is_a_commit_of_the_changed_records_only(table: Table) -> None:
    made = await table.insert({"name": "a", "age": 1}, {"name": "b", "age": 2}, {"name": "c"})
    ids = [record["id"] for record in made["records"]]
    changes = [
        {"id": ids[2], "values": {"name": {"value": "C"}}},
        {"id": ids[0], "values": {"age": {"value": 1}}, "metadata": {"seen": True}},
    ]
    reply = await table.call("PUT", body=changes)
    assert reply.status == 200
    assert reply.data.keys() == {"versionId", "commitId"}
    created = [parsed(event) for event in await table.world.events("commit:created")]
    assert [event["context"]["commitId"] for event in created] == [made["commitId"], reply.data["versionId"]]
    assert await table.names(f"?commitId={reply.data['versionId']}") == ["C"]
    (updated,) = await table.world.events("records:updated")
    assert parsed(updated)["payload"] == {"recordCount": 2}
    first = (await table.call("GET", f"/records?ids={ids[0]}")).data["records"][0]
    assert (first["values"]["name"], first["values"]["age"], first["metadata"]) == (cell("a"), cell(1), {"seen": True})


async def test_messages_metadata_and_configs_alone_are_no_commit_to_hear_of(table: Table) -> None:
    (record,) = (await table.insert({"name": "a"}))["records"]
    body = [{**record, "values": {"name": {"value": "a", "messages": [ERROR]}}, "config": {"readonly": True}}]
    reply = await table.call("PUT", body=body)
    assert reply.status == 200
    assert len(await table.world.events("commit:created")) == 1
    assert len(await table.world.events("records:updated")) == 1
    read = (await table.call("GET")).data["records"][0]
    assert (read["values"]["name"], read["config"], read["valid"]) == (cell("a", ERROR), {"readonly": True}, False)
    assert await table.counts() == counted(1, error=1)
    commit = await table.world.call("GET", f"/v1/commits/{reply.data['versionId']}")
    assert "completedAt" in commit.data, "nobody is going to answer it"


@pytest.mark.parametrize("tracking", [True, False])
async def test_a_listener_answers_a_commit_at_its_data_url(world: World, tracking: bool) -> None:
    table = await new_table(world, settings={"trackChanges": tracking})
    made = await table.insert({"name": "a"})
    (created,) = [parsed(event) for event in await world.events("commit:created")]
    assert created["payload"] == {"trackChanges": tracking}
    commit = await world.call("GET", f"/v1/commits/{made['commitId']}")
    assert commit.body["data"] | {"createdBy": ""} == {
        "id": made["commitId"],
        "sheetId": table.id,
        "createdBy": "",
        "createdAt": "2027-01-15T08:00:00.000Z",
    }
    body = gzip.compress(json.dumps([{"id": made["records"][0]["id"], "values": {"name": {"value": "A"}}}]).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert (await world.call("PUT", f"/{created['data_url']}", content=body, headers=headers)).status == 200
    assert await table.names() == ["A"]
    assert len(await world.events("commit:created")) == 1, "or the hook would run for ever"
    completed = [parsed(event) for event in await world.events("commit:completed")]
    assert [event["context"]["commitId"] for event in completed] == [made["commitId"]] * tracking
    assert (await world.call("GET", f"/v1/commits/{made['commitId']}")).data["completedAt"]


async def test_a_commit_is_completed_once(world: World) -> None:
    table = await new_table(world, settings={"trackChanges": True})
    made = await table.insert({"name": "a"})
    for _ in range(2):
        reply = await world.call("POST", f"/v1/commits/{made['commitId']}/complete")
        assert reply.body == {"data": {"success": True}}
    assert len(await world.events("commit:completed")) == 1
    assert (await world.events("commit:completed"))[0]["created_at"] == START


async def test_unknown_records_and_commits_change_nothing(table: Table) -> None:
    other = await new_table(table.world)
    (mine,) = (await table.insert({"name": "a"}))["records"]
    foreign = await other.insert({"name": "b"})
    good = {"id": mine["id"], "values": {"name": {"value": "changed"}}}
    bad = {"id": foreign["records"][0]["id"], "values": {"name": {"value": "x"}}}
    reply = await table.call("PUT", body=[good, bad])
    assert (reply.status, reply.error["key"]) == (404, "records[1].id")
    assert foreign["records"][0]["id"] in reply.error["message"]
    for query in (f"?commitId={foreign['commitId']}", "?commitId=us_vr_nothing"):
        assert (await table.call("PUT", f"/records{query}", [good])).status == 404
        assert (await table.call("GET", f"/records{query}")).status == 404
    assert (await table.call("PUT", content=b"[]")).status == 400
    assert (await table.names(), await other.names()) == (["a"], ["b"])
    assert await table.world.events("records:updated") == []


# ---- delete and counts ---------------------------------------------------------------------------


async def test_deleted_records_are_gone_counted_told_and_never_given_again(table: Table) -> None:
    made = await table.insert({"name": "a"}, {"name": "b"}, {"name": "c"})
    ids = [record["id"] for record in made["records"]]
    await table.call("PUT", body=[{"id": ids[2], "values": {"name": {"messages": [ERROR]}}}])
    reply = await table.call("DELETE", f"/records?ids={ids[2]}&ids={ids[0]}&ids=us_rc_nothing")
    assert reply.body == {"data": {"success": True}}
    assert (await table.names(), await table.counts()) == (["b"], counted(1))
    (event,) = await table.world.events("records:deleted")
    assert parsed(event)["payload"] == {"recordCount": 2}
    assert await table.names(f"?commitId={made['commitId']}") == ["b"]
    assert (await table.call("DELETE", f"/records?ids={ids[0]}")).status == 404
    again = await table.insert({"name": "d"})
    assert again["records"][0]["id"] not in ids
    assert await table.names() == ["b", "d"]


async def test_a_delete_without_ids_is_refused(table: Table) -> None:
    reply = await table.call("DELETE")
    assert (reply.status, reply.error["key"]) == (400, "ids")


async def test_counts_by_field(table: Table) -> None:
    await table.insert({"name": "a", "age": 1}, {"name": ""}, {"age": 0, "tags": ["x"]})
    body = [{"name": {"value": "x", "messages": [ERROR]}, "age": {"messages": [ERROR | {"type": "warn"}]}}]
    await table.call("POST", body=body)
    assert await table.counts() == counted(4, error=1)
    assert await table.counts("?filter=error") == counted(1, error=1)
    assert await table.counts("?filter=valid") == counted(3)
    by_field = await table.counts("?byField=true")
    assert by_field["errorsByField"] == {"name": 1, "age": 0, "tags": 0}
    assert by_field["byField"]["name"] == {"total": 4, "valid": 3, "error": 1, "empty": 2}
    assert by_field["byField"]["age"] == {"total": 4, "valid": 4, "error": 0, "empty": 2}
    assert by_field["byField"]["tags"]["empty"] == 3


# ---- who may what --------------------------------------------------------------------------------


async def test_another_environments_key_another_spaces_token_and_no_token_find_nothing(table: Table) -> None:
    world = table.world
    other = await new_table(world)
    made = await table.insert({"name": "a"})
    for token in (world.sk_prod, world.sk_other, other.space_token):
        for method, rest, body in (
            ("GET", "/records", None),
            ("POST", "/records", [{"name": {"value": "x"}}]),
            ("PUT", "/records", [{"id": made["records"][0]["id"], "values": {}}]),
            ("DELETE", f"/records?ids={made['records'][0]['id']}", None),
            ("GET", "/counts", None),
        ):
            reply = await table.call(method, rest, body, token=token)
            assert (reply.status, reply.error["key"]) == (404, "sheetId"), (method, rest)
        for method, path in (("GET", ""), ("POST", "/complete")):
            reply = await world.call(method, f"/v1/commits/{made['commitId']}{path}", token=token)
            assert (reply.status, reply.error["key"]) == (404, "commitId")
    assert (await table.call("GET", token="")).status == 401
    assert (await table.call("GET", token=world.pk)).status == 403
    assert await table.names() == ["a"]


async def test_a_space_token_writes_what_the_sheets_access_allows(world: World) -> None:
    table = await new_table(world, access=["add"])
    made = await table.insert({"name": "a"}, token=table.space_token)
    change = [{"id": made["records"][0]["id"], "values": {"name": {"value": "b"}}}]
    for method, rest, body in (("PUT", "/records", change), ("DELETE", f"/records?ids={change[0]['id']}", None)):
        reply = await table.call(method, rest, body, token=table.space_token)
        assert (reply.status, reply.error["key"]) == (403, "access")
    answer = await table.call("PUT", f"/records?commitId={made['commitId']}", change, token=table.space_token)
    assert answer.status == 200, "a listener in the browser finishes its guest's commit"
    assert (await table.call("PUT", body=change)).status == 200, "keys manage the sheet"
    readonly = await new_table(world, readonly=True)
    reply = await readonly.call("POST", body=[{}], token=readonly.space_token)
    assert (reply.status, reply.error["key"]) == (403, "access")
    assert await readonly.names(token=readonly.space_token) == []


async def test_inserts_at_once_keep_every_row_once(table: Table) -> None:
    async def insert(task: int) -> list[str]:
        made = [await table.insert(*({"name": f"{task}-{n}-{row}"} for row in range(20))) for n in range(3)]
        return [record["id"] for one in made for record in one["records"]]

    ids = [made for task in await asyncio.gather(*(insert(task) for task in range(8))) for made in task]
    assert len(set(ids)) == len(ids) == 480
    names = await table.names()
    assert sorted(names) == sorted(f"{task}-{n}-{row}" for task in range(8) for n in range(3) for row in range(20))
    for task in range(8):
        mine = [name for name in names if name.startswith(f"{task}-")]
        assert mine == [f"{task}-{n}-{row}" for n in range(3) for row in range(20)]
    assert await table.counts() == counted(480)
    assert len(await table.world.events("commit:created")) == 24


def counted(total: int, error: int = 0) -> dict[str, int]:
    return {"total": total, "valid": total - error, "error": error}
