"""Exports and imports of an environment: open files, nothing lost but keys and values, all or nothing."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import select

from sheetport.config import QuotaSettings
from sheetport.features.transfers.model import STALE
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import MINUTE
from sheetport.kernel.errors import Conflict, TooLarge
from sheetport.runtime.transfer.exporting import BLOCK, export_environment
from sheetport.runtime.transfer.files_in import in_files
from sheetport.runtime.transfer.importing import Report, import_environment
from sheetport.runtime.transfer.operations import TransferOperations
from sheetport.storage.tables.core import environments
from sheetport.storage.tables.records import records
from sheetport.storage.unit_of_work import UnitOfWork, Work
from worlds import World

T = TypeVar("T")
FIELDS = [
    {"key": "name", "type": "string"},
    {"key": "age", "type": "number"},
    {"key": "tags", "type": "string-list"},
    {"key": "on", "type": "boolean"},
]
ID = re.compile(r"us_[a-z]+_[0-9A-Za-z]{16}")
#: Text that spreadsheets would take for a formula, quotes, line breaks, other alphabets.
HARD = ["=1+1", '"quoted"', "two\nlines", "a,b", " padded ", "Grüße 世界", "", None]


class Beside:
    """What a command on the server's machine does, from a thread beside the running application."""

    def __init__(self, world: World, limits: QuotaSettings | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._world = world
        self._operations = TransferOperations(world.db, limits or QuotaSettings()).by_name()
        #: Called with the name of each operation before it is done.
        self.before: Callable[[str], None] = lambda _: None

    def read(self, work: Work[T], /) -> T:
        return asyncio.run_coroutine_threadsafe(self._world.db.read(work), self._loop).result(20)

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        self.before(operation)
        wire = json.loads(json.dumps(arguments))  # as over the socket
        done = asyncio.run_coroutine_threadsafe(self._operations[operation](wire), self._loop)
        return done.result(20)[0]

    async def export(self, target: Path, environment: str, account: str = "", *, with_events: bool = False) -> Any:
        actor = system_actor(account or self._world.account_id, environment)

        def work() -> Any:
            return export_environment(
                self.read, actor, environment, target, with_events=with_events, progress=lambda _: None
            )

        return await asyncio.to_thread(work)

    async def imported(self, source: Path, name: str | None = None, account: str | None = None) -> Report:
        def work() -> Report:
            with ExitStack() as stack:
                files = in_files(source, stack)
                whose = account or self._world.account_id
                return import_environment(files, self, account=whose, name=name, progress=lambda _: None)

        return await asyncio.to_thread(work)


async def made(world: World, method: str, path: str, body: Any) -> Any:
    reply = await world.call(method, path, body)
    assert reply.status == 200, reply.body
    return reply.data


async def furnished(world: World) -> dict[str, Any]:
    """Something of everything in ``development``; the ids that tests name."""
    app = (
        await world.call("POST", "/v1/apps", {"name": "CRM", "namespace": "crm", "type": "CUSTOM"}, token=world.pat)
    ).data
    space = await made(world, "POST", "/v1/spaces", {
        "name": "First", "environmentId": world.dev, "appId": app["id"], "labels": ["x"],
        "metadata": {"sees": world.dev}, "actions": [{"operation": "go", "label": "Go", "unknown": {"kept": None}}],
        "guestAuthentication": ["magic_link"], "namespace": "red",
    })  # fmt: skip
    second = (
        await world.call("POST", "/v1/spaces", {"name": "Second", "environmentId": world.dev}, token=world.pat)
    ).data
    await made(world, "POST", f"/v1/spaces/{second['id']}/archive", None)
    sheets = [
        {"name": "People", "slug": "people", "fields": FIELDS, "actions": [{"operation": "dedupe", "label": "Dedupe"}]},
        {"name": "Orders", "slug": "orders", "metadata": {"a": 1}, "fields": [
            {"key": "who", "type": "reference", "config": {"ref": "people", "key": "name", "relationship": "has-one"}},
        ]},
    ]  # fmt: skip
    book = await made(world, "POST", "/v1/workbooks", {
        "name": "Book", "spaceId": space["id"], "sheets": sheets, "settings": {"trackChanges": True},
        "actions": [{"operation": "submit", "label": "Submit", "mode": "foreground"}],
    })  # fmt: skip
    people, orders = book["sheets"]
    await made(world, "PATCH", f"/v1/workbooks/{book['id']}", {
        "settings": {"trackChanges": True, "sheetSidebarOrder": [orders["id"], people["id"]]}
    })  # fmt: skip
    await made(world, "PATCH", f"/v1/spaces/{space['id']}", {"primaryWorkbookId": book["id"]})
    rows: list[dict[str, Any]] = [{"name": {"value": text}, "age": {"value": 1.5}} for text in HARD]
    rows[1]["name"]["messages"] = [{"type": "error", "message": "No"}, {"type": "info", "message": "Look"}]
    rows += [{"name": {"value": f"n{i}"}, "tags": {"value": ["a", "b"]}, "on": {"value": True}} for i in range(BLOCK)]
    inserted = await made(world, "POST", f"/v1/sheets/{people['id']}/records", rows)
    ids = [record["id"] for record in inserted["records"]]
    await world.call("PUT", f"/v1/sheets/{people['id']}/records", [
        {"id": ids[2], "values": {}, "metadata": {"sees": ids[0]}, "config": {"readonly": True}}
    ])  # fmt: skip
    await world.call("DELETE", f"/v1/sheets/{people['id']}/records?ids={ids[0]}")
    document = await made(world, "POST", f"/v1/spaces/{space['id']}/documents", {
        "title": "Read me", "body": "# Hi", "actions": [{"operation": "print", "label": "Print"}]
    })  # fmt: skip
    subject = {
        "type": "collection",
        "resource": "records",
        "query": {"sheetId": people["id"], "ids": ids[3:5]},
        "params": {},
    }
    first = await made(world, "POST", "/v1/jobs", {
        "type": "sheet", "operation": "dedupe", "source": people["id"], "subject": subject, "trigger": "immediate",
        "metadata": {"sees": space["id"]},
    })  # fmt: skip
    await made(world, "POST", f"/v1/jobs/{first['id']}/split", {"parts": [{"n": 1}, {"n": 2}], "runInParallel": False})
    await made(world, "POST", "/v1/jobs", {"type": "document", "operation": "print", "source": document["id"]})
    await made(world, "POST", "/v1/secrets", {"name": "KEY", "value": "the-secret-value", "environmentId": world.dev})
    await made(world, "POST", "/v1/secrets", {
        "name": "OTHER", "value": "the-secret-value", "environmentId": world.dev, "spaceId": space["id"]
    })  # fmt: skip
    await made(world, "PUT", f"/v1/environments/{world.dev}/variables/HOOK", {"value": "the-secret-value"})
    return {"space": space["id"], "book": book["id"], "people": people["id"], "records": ids}


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def parsed(folder: Path, ids: dict[str, str]) -> dict[str, Any]:
    """The files of an export by name, decoded, their ids translated; lists whose order is that of ids sorted anew.

    What ``sees`` holds is the owner's own: nobody translates it.
    """
    tag = {old[7:11]: new[7:11] for old, new in ids.items() if old.startswith("us_env_")}

    def told(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: item if key == "sees" else told(item) for key, item in value.items()}
        if isinstance(value, list):
            items = [told(item) for item in value]
            return sorted(items, key=lambda item: item["id"]) if items and "id" in (items[0] or ()) else items
        if isinstance(value, str) and value.startswith("us_rc_") and value[6:10] in tag:
            return f"us_rc_{tag[value[6:10]]}…{value[16:]}"  # the sheet's number is another
        return ids.get(value, value) if isinstance(value, str) else value

    found: dict[str, Any] = {}
    for name, data in content(folder).items():
        renamed = ID.sub(lambda one: ids.get(one[0], one[0]), name)
        if name.endswith(".jsonl"):
            found[renamed] = told([json.loads(line) for line in data.splitlines()])
        elif name.endswith(".json") and name not in {"manifest.json", "secrets.json"}:
            found[renamed] = told(json.loads(data))
        elif name.endswith(".csv"):
            found[renamed] = data
    return found


async def test_an_export_imported_and_exported_is_the_same_up_to_ids(world: World, tmp_path: Path) -> None:
    await furnished(world)
    beside = Beside(world)
    await beside.export(tmp_path / "one", world.dev)
    report = await beside.imported(tmp_path / "one", "copy")
    copy = report.answer["environmentId"]
    assert report.ids[world.dev] == copy
    await beside.export(tmp_path / "two", copy)
    one = parsed(tmp_path / "one", report.ids)
    two = parsed(tmp_path / "two", {copy: copy})
    assert two["environment.json"].pop("name") == "copy"
    assert one["environment.json"].pop("name") == "development"
    assert one == two
    assert report.counts == {
        "spaces": 2, "workbooks": 1, "sheets": 2, "records": len(HARD) + BLOCK - 1,
        "documents": 1, "actions": 4, "jobs": 4,
    }  # fmt: skip
    assert [entry.name for entry in report.entries] == ["KEY", "OTHER", "HOOK"]
    assert len(report.remarks) == 1
    assert "1 jobs" not in report.remarks[0]
    assert "3 jobs" in report.remarks[0], "the job and its two parts name a space in their metadata"
    assert "1 records" in report.remarks[0]
    assert "1 spaces" in report.remarks[0]


async def test_an_import_speaks_of_itself_once_and_opens_with_its_own_keys(world: World, tmp_path: Path) -> None:
    made_of = await furnished(world)
    beside = Beside(world)
    await beside.export(tmp_path / "one.zip", world.dev)
    begun = await asyncio.to_thread(beside.call, "begin-export", account=world.account_id, environment="development")
    assert begun == {"accountId": world.account_id, "environmentId": world.dev, "environment": "development"}
    assert [audit["target"] for audit in await world.audits("environment:export")] == [world.dev]
    before = {event["id"] for event in await world.events()}
    report = await beside.imported(tmp_path / "one.zip", "copy")
    copy, key = report.answer["environmentId"], report.answer["secretKey"]
    assert [(audit["target"], audit["environment_id"]) for audit in await world.audits("environment:import")] == [
        (copy, copy)
    ]
    assert [event["topic"] for event in await world.events() if event["id"] not in before] == ["environment:created"]
    spaces = (await world.call("GET", "/v1/spaces?archived=true", token=key)).data
    assert {space["name"] for space in spaces} == {"First", "Second"}
    sheet = report.ids[made_of["people"]]
    page = await world.call("GET", f"/v1/sheets/{sheet}/records?pageSize=10", token=key)
    assert [record["values"]["name"]["value"] for record in page.data["records"]][: len(HARD) - 1] == HARD[1:]
    counts = (await world.call("GET", f"/v1/sheets/{sheet}/counts", token=key)).data["counts"]
    assert (counts["total"], counts["error"]) == (len(HARD) + BLOCK - 1, 1)
    added = await world.call("POST", f"/v1/sheets/{sheet}/records", [{"name": {"value": "new"}}], token=key)
    assert added.status == 200
    last = await world.call("GET", f"/v1/sheets/{sheet}/records?pageNumber=2&pageSize=1000", token=key)
    assert last.data["records"][-1]["id"] == added.data["records"][0]["id"], "new records come behind the old"
    assert (await world.call("GET", f"/v1/spaces/{made_of['space']}", token=key)).status == 404
    assert (await world.call("GET", f"/v1/spaces/{spaces[0]['id']}")).status == 404, "the old key stays in its place"
    job = (await world.call("GET", f"/v1/jobs?source={sheet}&excludeChildJobs=true", token=key)).data[0]
    reached = await world.call("GET", f"/v1/sheets/{sheet}/records?ids={job['subject']['query']['ids'][0]}", token=key)
    assert reached.data["records"][0]["values"]["name"]["value"] == HARD[3]


async def test_two_exports_are_the_same_bytes_and_hold_no_secret(world: World, tmp_path: Path) -> None:
    made_of = await furnished(world)
    beside = Beside(world)
    for name in ("one.zip", "two.zip", "folder"):
        await beside.export(tmp_path / name, world.dev, with_events=True)
        world.clock.advance(MINUTE)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    assert packed == content(tmp_path / "folder")
    assert list(packed)[:-1] == sorted(list(packed)[:-1])
    [table] = [packed[name] for name in packed if name.endswith(f"{made_of['people']}/records.csv")]
    assert table.startswith(b"name,age,tags,on\r\n")
    rows = list(csv.reader(io.StringIO(table.decode(), newline="")))
    assert [row[0] for row in rows[1 : len(HARD)]] == [value or "" for value in HARD[1:]], "nothing is altered"
    assert rows[-1] == [f"n{BLOCK - 1}", "", '["a","b"]', "true"]
    everything = b"".join(packed.values())
    for secret in ("the-secret-value", world.sk, world.pk, world.pat, "accessToken", "guestLink"):
        assert secret.encode() not in everything
    assert len(packed["events.jsonl"].splitlines()) == len(
        [event for event in await world.events() if event["environment_id"] == world.dev]
    )


async def test_an_import_into_another_account_knows_nothing_of_the_first(world: World, tmp_path: Path) -> None:
    made_of = await furnished(world)
    await made(world, "PATCH", f"/v1/spaces/{made_of['space']}", {"isAppTemplate": True})
    beside = Beside(world)
    await beside.export(tmp_path / "one", world.dev)
    with pytest.raises(Conflict, match="'development'; choose another name"):
        await beside.imported(tmp_path / "one", account=world.other_account_id)
    report = await beside.imported(tmp_path / "one", "moved", world.other_account_id)
    spaces = (await world.call("GET", "/v1/spaces?archived=true", token=report.answer["secretKey"])).data
    assert all("createdByUserId" not in space for space in spaces)
    assert {space.get("createdByUserName") for space in spaces} == {None, "Ada"}
    apps = (await world.call("GET", "/v1/apps", token=world.pat_other)).data
    assert [app["name"] for app in apps] == ["CRM"]
    assert {space.get("appId") for space in spaces} == {None, apps[0]["id"]}
    assert [space["isAppTemplate"] for space in spaces if space["name"] == "First"] == [True]
    again = await beside.imported(tmp_path / "one", "moved again", world.other_account_id)
    assert again.remarks == ["The space 'First' is no template here: its app has one already.", *report.remarks]
    assert len((await world.call("GET", "/v1/apps", token=world.pat_other)).data) == 1


async def rows_beside(world: World, *known: str) -> int:
    """How many records and environments there are that belong to none of the ``known`` environments."""

    async def count(uow: UnitOfWork) -> int:
        stored = await uow.fetch_all(select(records.c.environment_id).where(records.c.environment_id.not_in(known)))
        staged = await uow.fetch_all(select(environments.c.id).where(environments.c.deleted_at.is_not(None)))
        return len(stored) + len(staged)

    return await world.db.read(count)


async def test_an_import_that_fails_leaves_nothing(world: World, tmp_path: Path) -> None:
    await furnished(world)
    beside = Beside(world)
    await beside.export(tmp_path / "one", world.dev)
    seen: list[str] = []

    def failing(moment: str) -> Callable[[str], None]:
        def fail(operation: str) -> None:
            seen.append(operation)
            if seen == ["begin-import", "import-rows", moment] or operation == moment == "publish-import":
                raise ConnectionError("the line is cut")

        return fail

    for moment in ("import-rows", "publish-import"):
        seen.clear()
        beside.before = failing(moment)
        with pytest.raises(ConnectionError):
            await beside.imported(tmp_path / "one", "copy")
        assert seen[-1] == "give-up-import"
        assert await rows_beside(world, world.dev) == 0
    with pytest.raises(TooLarge, match="rows"):
        await Beside(world, QuotaSettings(rows=BLOCK)).imported(tmp_path / "one", "copy")
    assert await rows_beside(world, world.dev) == 0
    listed = (await world.call("GET", "/v1/environments", token=world.pat)).data
    assert {one["name"] for one in listed} == {"development", "production"}


async def test_what_a_dead_importer_left_is_invisible_and_swept_by_the_next(world: World, tmp_path: Path) -> None:
    await furnished(world)
    beside = Beside(world)
    await beside.export(tmp_path / "one", world.dev)

    def die(operation: str) -> None:
        if operation in {"publish-import", "give-up-import"}:
            raise ConnectionError("killed")

    beside.before = die
    with pytest.raises(ConnectionError):
        await beside.imported(tmp_path / "one", "copy")
    assert await rows_beside(world, world.dev) > BLOCK
    assert len((await world.call("GET", "/v1/environments", token=world.pat)).data) == 2
    assert len((await world.call("GET", "/v1/spaces?archived=true", token=world.pat)).data) == 2
    beside.before = lambda _: None
    await beside.imported(tmp_path / "one", "too soon")  # it may still be at work
    world.clock.advance(STALE + 1)
    report = await beside.imported(tmp_path / "one", "copy")
    known = [one["id"] for one in (await world.call("GET", "/v1/environments", token=world.pat)).data]
    assert report.answer["environmentId"] in known
    assert await rows_beside(world, *known) == 0


async def test_an_import_given_up_by_the_server_is_not_made(world: World, tmp_path: Path) -> None:
    await furnished(world)
    beside = Beside(world)
    await beside.export(tmp_path / "one", world.dev)
    staged: list[str] = []

    def sweep(operation: str) -> None:
        if operation == "publish-import":
            staged.extend(asyncio.run_coroutine_threadsafe(_staged(world), beside._loop).result(10))
            beside.before = lambda _: None
            for environment_id in staged:
                beside.call("give-up-import", environmentId=environment_id)

    beside.before = sweep
    with pytest.raises(Conflict, match="given up"):
        await beside.imported(tmp_path / "one", "copy")
    assert len(staged) == 1
    assert await rows_beside(world, world.dev) == 0
    for environment_id in (world.dev, world.prod):  # what was made stays, and takes nothing from an import
        await asyncio.to_thread(beside.call, "give-up-import", environmentId=environment_id)
        added = {"environmentId": environment_id, "sheetNo": 1, "rows": [[1, "[]", None, True]]}
        with pytest.raises(Conflict, match="given up"):
            await asyncio.to_thread(beside.call, "import-rows", **added)
    assert (await beside.export(tmp_path / "two", world.dev))["counts"]["records"] == len(HARD) + BLOCK - 1


async def _staged(world: World) -> list[str]:
    query = select(environments.c.id).where(environments.c.deleted_at.is_not(None))
    return [row["id"] for row in await world.db.read(lambda uow: uow.fetch_all(query))]


async def test_a_sheet_that_changes_while_it_is_read_is_read_again(world: World, tmp_path: Path) -> None:
    made_of = await furnished(world)
    beside = Beside(world)
    read, changes = beside.read, iter(range(3))

    def changing(work: Work[T], /) -> T:
        found = read(work)
        whose = getattr(work, "keywords", {}).get("sheet")
        is_block = "read_block" in str(getattr(work, "func", "")) and whose.id == made_of["people"]
        if is_block and next(changes, None) is not None:
            change = made(world, "POST", f"/v1/sheets/{made_of['people']}/records", [{"name": {"value": "late"}}])
            asyncio.run_coroutine_threadsafe(change, beside._loop).result(10)
        return found

    beside.read = changing  # type: ignore[method-assign]
    manifest = await beside.export(tmp_path / "one", world.dev)
    assert manifest["changedDuringExport"] == []
    [path] = (tmp_path / "one").rglob(f"{made_of['people']}/records.jsonl")
    lines = path.read_bytes().splitlines()
    assert len(lines) == len(HARD) + BLOCK - 1 + 3
    assert len({json.loads(line)["id"] for line in lines}) == len(lines)
    changes = iter(range(100))
    manifest = await beside.export(tmp_path / "two", world.dev)
    assert made_of["people"] in manifest["changedDuringExport"]
    [book] = (tmp_path / "two").rglob("workbook.json")
    [path] = (tmp_path / "two").rglob(f"{made_of['people']}/records.jsonl")
    told = {sheet["id"]: sheet["recordCounts"]["total"] for sheet in json.loads(book.read_text())["sheets"]}
    assert told[made_of["people"]] == len(path.read_bytes().splitlines())
