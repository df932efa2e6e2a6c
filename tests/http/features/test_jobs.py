"""Jobs over HTTP: where they lie, every move from every status, what each tells, and who may know of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flatfile.core.pydantic_utilities import parse_obj_as
from flatfile.jobs import JobResponse, ListJobsResponse
from jsonschema import Draft202012Validator

from architecture.sources import ROOT
from job_calls import (
    BOOK,
    FILE,
    OTHER_SPACE,
    PROD_BOOK,
    SHEET,
    SPACE,
    WAYS,
    do,
    make,
    parts_of,
    put_places,
    status_of,
    told,
    told_last,
)
from sheetport.features.auth.service import mint_space_token
from sheetport.features.jobs.jobs import fail_overdue
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.kernel.clock import MINUTE, iso
from worlds import START, World

REFERENCE = json.loads((ROOT / "tests" / "data" / "openapi.json").read_text())


@pytest.fixture
async def placed(world: World) -> World:
    return await put_places(world)


# Where a job lies


@pytest.mark.parametrize(
    ("type_", "source", "context"),
    [
        ("space", SPACE, {"spaceId": SPACE}),
        ("workbook", BOOK, {"spaceId": SPACE, "workbookId": BOOK}),
        ("sheet", SHEET, {"spaceId": SPACE, "workbookId": BOOK, "sheetId": SHEET, "sheetSlug": "contacts"}),
        ("file", FILE, {"spaceId": SPACE, "fileId": FILE}),
    ],
)
async def test_environment_space_and_context_come_from_the_source(
    placed: World, type_: str, source: str, context: dict[str, str]
) -> None:
    job = await make(placed, type=type_, source=source, input={"name": "x", "none": None}, info="begin")
    assert (job["environmentId"], job["spaceId"], job["status"]) == (placed.dev, SPACE, "created")
    event, found, payload = await told_last(placed, "job:created")
    assert context.items() <= found.items()
    assert (found["jobId"], found["environmentId"], event["domain"]) == (job["id"], placed.dev, "job")
    assert (event["target"], json.loads(event["namespaces"])) == (None, ["space:red"])
    assert payload == {
        "job": f"{type_}:submit",
        "domain": type_,
        "type": type_,
        "operation": "submit",
        "status": "created",
        "isPart": False,
        "info": "begin",
        "input": {"name": "x", "none": None},
    }


@pytest.mark.parametrize("source", [PROD_BOOK, "us_wb_absent", ""])
async def test_a_source_that_is_absent_or_out_of_reach_is_not_found(placed: World, source: str) -> None:
    reply = await placed.call("POST", "/v1/jobs", {"type": "workbook", "operation": "submit", "source": source})
    assert (reply.status, reply.error["key"]) == (404, "source")
    assert await placed.events("job:created") == []


async def test_the_source_of_an_agents_job_needs_no_place_but_an_environment(placed: World) -> None:
    body = {"type": "agent", "operation": "agent-export", "source": "us_ag_1", "config": {"exportType": "SOURCE"}}
    job = await make(placed, **body)
    assert job["environmentId"] == placed.dev
    reply = await placed.call("POST", "/v1/jobs", body | {"environmentId": placed.prod})
    assert (reply.status, reply.error["key"]) == (404, "environmentId")
    reply = await placed.call(
        "POST", "/v1/jobs", {"type": "space", "operation": "x", "source": SPACE, "environmentId": placed.prod}
    )
    assert (reply.status, reply.error["key"]) == (400, "environmentId")


async def test_what_a_caller_attaches_comes_back_as_sent(placed: World) -> None:
    attached = {
        "config": {"options": {"a": [1, None, {"b": 1.5}]}},
        "input": {"ünï": "c", "none": None},
        "subject": {"type": "collection", "resource": "records", "query": {"filter": "valid"}, "params": {}},
        "outcome": {"message": None},
        "result": {"x": [[]]},
        "metadata": {"deep": {"er": False}},
        "partData": {"rows": 5},
    }
    plain = {"mode": "hidden", "managed": True, "progress": 0, "info": "", "destination": BOOK, "fileId": FILE}
    job = await make(placed, **attached, **plain)
    again = (await placed.call("GET", f"/v1/jobs/{job['id']}")).data
    assert again == job
    assert {name: again[name] for name in attached | plain} == attached | plain


async def test_replies_fit_the_public_description_and_the_python_client(placed: World) -> None:
    job = await make(placed, trigger="immediate", subject={"type": "resource", "id": BOOK}, config={})
    for action, body in (
        ("ack", {"progress": 5}),
        ("complete", {"outcome": {"message": "done"}}),
        ("outcome/ack", None),
    ):
        reply = await do(placed, job, action, body)
        schema = {"$ref": "#/components/schemas/JobResponse", "components": REFERENCE["components"]}
        assert [error.message for error in Draft202012Validator(schema).iter_errors(reply.body)] == []
        assert parse_obj_as(JobResponse, reply.body).data.id == job["id"]
    listed = (await placed.call("GET", "/v1/jobs")).body
    parsed = parse_obj_as(ListJobsResponse, listed)
    assert [found.outcome for found in parsed.data] == [{"message": "done"}]


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"progress": 101}, "progress"),
        ({"progress": -1}, "progress"),
        ({"progress": 0.5}, "progress"),
        ({"status": "complete"}, "status"),
        ({"status": "nothing"}, "status"),
        ({"type": "nothing"}, "type"),
        ({"mode": "loud"}, "mode"),
        ({"trigger": "later"}, "trigger"),
        ({"operation": " "}, "operation"),
        ({"predecessorIds": ["us_jb_absent"]}, "predecessorIds"),
        ({"input": {"a": "\0"}}, "body"),
    ],
)
async def test_a_bad_member_is_refused_by_name(placed: World, config: dict[str, Any], key: str) -> None:
    body = {"type": "workbook", "operation": "submit", "source": BOOK} | config
    reply = await placed.call("POST", "/v1/jobs", body)
    assert (reply.status, reply.error["key"]) == (400, key)


# The life cycle

ACTIONS = ("execute", "ack", "split", "complete", "fail", "cancel", "retry", "outcome/ack", "update")
#: Where each action leads and what it tells; what is missing is refused.
LEADS: dict[str, dict[str, tuple[str, str]]] = {
    "execute": dict.fromkeys(["created", "planning", "scheduled", "ready"], ("ready", "job:ready")),
    "ack": dict.fromkeys(["ready", "announced", "executing"], ("executing", "job:updated")),
    "split": dict.fromkeys(["ready", "announced", "executing"], ("executing", "job:updated")),
    "complete": dict.fromkeys(["ready", "announced", "executing"], ("complete", "job:completed")),
    "fail": dict.fromkeys(["ready", "announced", "executing"], ("failed", "job:failed")),
    "cancel": dict.fromkeys(
        ["created", "planning", "scheduled", "ready", "announced", "executing", "waiting"], ("canceled", "job:updated")
    ),
    "retry": dict.fromkeys(["failed", "canceled"], ("ready", "job:ready")),
    "outcome/ack": {state: (state, "job:outcome-acknowledged") for state in ("complete", "failed")},
    "update": {state: ("ready" if state == "announced" else state, "job:updated") for state in WAYS},
}


@pytest.mark.parametrize("state", WAYS)
async def test_every_action_on_a_job_in_every_status(placed: World, state: str) -> None:
    config, actions = WAYS[state]
    if "predecessorIds" in config:
        config = config | {"predecessorIds": [(await make(placed))["id"]]}
    word = "ready" if state == "announced" else state
    for action in ACTIONS:
        job = await make(placed, **config)
        for step in actions:
            assert (await do(placed, job, step)).status == 200
        assert await status_of(placed, job) == word
        before = await told(placed, job)
        reply = await do(placed, job, action)
        after = (await told(placed, job))[len(before) :]
        if state in LEADS[action]:
            status, topic = LEADS[action][state]
            assert (reply.status, await status_of(placed, job), after) == (200, status, [topic]), action
        else:
            assert (reply.status, reply.error["key"], after) == (400, "status", []), action
            assert f"This job is {word}" in reply.error["message"]
            assert await status_of(placed, job) == word


async def test_a_refusal_names_both_states_and_what_is_possible(placed: World) -> None:
    job = await make(placed, trigger="immediate")
    await do(placed, job, "complete")
    reply = await do(placed, job, "ack")
    assert reply.error["message"] == (
        "This job is complete; it cannot be moved to executing by ack. It takes outcome/ack and update."
    )


async def test_a_job_from_ready_to_its_acknowledged_outcome(placed: World) -> None:
    job = await make(placed, status="ready")
    assert await told(placed, job) == ["job:created"]
    assert (await do(placed, job, "execute")).body == {"data": {"success": True}}
    placed.clock.advance(1_000)
    at = iso(START + 9 * MINUTE)
    acked = (await do(placed, job, "ack", {"info": "Accepted", "progress": 10, "estimatedCompletionAt": at})).data
    assert (acked["info"], acked["progress"], acked["estimatedCompletionAt"]) == ("Accepted", 10, at)
    assert acked["startedAt"] == iso(START + 1_000)
    placed.clock.advance(1_000)
    assert (await do(placed, job, "ack", {"progress": 50})).data["startedAt"] == iso(START + 1_000)
    outcome = {"acknowledge": True, "heading": None, "next": {"type": "wait", "fade": True}}
    done = (await do(placed, job, "complete", {"outcome": outcome, "info": "done"})).data
    assert (done["outcome"], done["info"], done["progress"]) == (outcome, "done", 100)
    assert done["finishedAt"] == iso(START + 2_000)
    assert (await do(placed, job, "outcome/ack")).data["outcomeAcknowledgedAt"] == iso(START + 2_000)
    assert await told(placed, job) == [
        *("job:created", "job:ready", "job:updated", "job:updated", "job:completed", "job:outcome-acknowledged"),
    ]


async def test_bodies_may_be_absent_or_null_but_not_broken(placed: World) -> None:
    for action in ("ack", "complete", "fail", "cancel"):
        for content in (b"", b"null"):
            job = await make(placed, trigger="immediate")
            headers = {"Content-Type": "application/json"}
            path = f"/v1/jobs/{job['id']}/{action}"
            assert (await placed.call("POST", path, content=content, headers=headers)).status == 200
        job = await make(placed, trigger="immediate")
        assert (await do(placed, job, action, {"info": 5})).error["key"] == "info"
    reply = await do(placed, job, "ack", {"estimatedCompletionAt": "soon"})
    assert (reply.status, reply.error["key"]) == (400, "estimatedCompletionAt")
    assert (await do(placed, job, "ack", {"progress": 101})).error["key"] == "progress"


async def test_a_failed_job_carries_its_outcome_and_a_retry_starts_it_anew(placed: World) -> None:
    job = await make(placed, trigger="immediate", input={"kept": 1})
    await do(placed, job, "ack", {"progress": 70})
    failed = (await do(placed, job, "fail", {"outcome": {"message": "no"}, "info": "broke"})).data
    assert (failed["status"], failed["outcome"], failed["info"]) == ("failed", {"message": "no"}, "broke")
    again = (await do(placed, job, "retry")).data
    assert (again["status"], again["input"]) == ("ready", {"kept": 1})
    assert {"outcome", "info", "progress", "startedAt", "finishedAt"} & again.keys() == set()


async def test_an_update_of_the_status_takes_the_same_steps(placed: World) -> None:
    job = await make(placed)
    for status, topic in (("planning", "job:updated"), ("scheduled", "job:scheduled"), ("ready", "job:ready")):
        assert (await do(placed, job, "update", {"status": status})).data["status"] == status
        assert (await told(placed, job))[-1] == topic
    changed = (await do(placed, job, "update", {"status": "complete", "info": "x", "metadata": {"a": 1}})).data
    assert (changed["status"], changed["info"], changed["metadata"]) == ("complete", "x", {"a": 1})
    for status in ("executing", "waiting", "created"):
        reply = await do(placed, job, "update", {"status": status})
        assert (reply.status, reply.error["key"]) == (400, "status")
    assert (await do(placed, job, "update", {"progress": 200})).error["key"] == "progress"


async def test_a_background_jobs_outcome_is_shown_to_nobody(placed: World) -> None:
    job = await make(placed, trigger="immediate", mode="background")
    await do(placed, job, "complete")
    reply = await do(placed, job, "outcome/ack")
    assert (reply.status, reply.error["key"]) == (400, "mode")


async def test_a_sheets_job_about_selected_records_says_where_to_read_them(placed: World) -> None:
    subject = {"type": "collection", "resource": "records", "query": {"ids": ["us_rc_1", "us_rc_2"]}}
    await make(placed, type="sheet", source=SHEET, trigger="immediate", subject=subject)
    event, _, _ = await told_last(placed, "job:ready")
    assert event["data_url"] == f"v1/sheets/{SHEET}/records?ids=us_rc_1&ids=us_rc_2"


# Lists, deletion, isolation


async def test_lists_are_filtered_paged_and_newest_first(placed: World) -> None:
    made = []
    for config in ({}, {"type": "sheet", "source": SHEET}, {"type": "file", "source": FILE}, {"trigger": "immediate"}):
        placed.clock.advance(1)
        made.append((await make(placed, **config))["id"])
    book, sheet, file, split = made
    placed.clock.advance(1)
    await do(placed, {"id": split}, "split", {"parts": 1})
    ((part,),) = [[p["id"] for p in await parts_of(placed, {"id": split})]]
    for query, expected in {
        "": [part, split, file, sheet, book],
        "sortDirection=asc": [book, sheet, file, split, part],
        "excludeChildJobs=true": [split, file, sheet, book],
        f"parentId={split}": [part],
        f"workbookId={BOOK}": [part, split, sheet, book],
        f"fileId={FILE}": [file],
        f"source={SHEET}": [sheet],
        f"spaceId={SPACE}&environmentId={placed.dev}": [part, split, file, sheet, book],
        f"spaceId={OTHER_SPACE}": [],
        f"environmentId={placed.prod}": [],
        "pageSize=2&pageNumber=2": [file, sheet],
    }.items():
        reply = await placed.call("GET", f"/v1/jobs?{query}")
        assert [job["id"] for job in reply.data] == expected, query
    assert reply.body["pagination"] == {"currentPage": 2, "pageCount": 3, "totalCount": 5}
    for query, key in {"pageSize=0": "pageSize", "sortDirection=up": "sortDirection"}.items():
        reply = await placed.call("GET", f"/v1/jobs?{query}")
        assert (reply.status, reply.error["key"]) == (400, key)


async def test_a_deleted_job_is_gone_with_its_parts_told_and_audited(placed: World) -> None:
    job = await make(placed, trigger="immediate")
    await do(placed, job, "split", {"parts": 2})
    assert (await placed.call("DELETE", f"/v1/jobs/{job['id']}")).body == {"data": {"success": True}}
    assert (await placed.call("GET", "/v1/jobs")).data == []
    assert (await placed.call("GET", f"/v1/jobs/{job['id']}")).status == 404
    assert len(await placed.events("job:deleted")) == 1
    (audit,) = await placed.audits("job:delete")
    assert audit["target"] == job["id"]
    placed.clock.advance(5 * MINUTE)
    assert await placed.db.write(fail_overdue) == 0


async def test_jobs_go_with_the_workbook_they_are_about(placed: World) -> None:
    job = await make(placed, trigger="immediate")
    place = Place(placed.dev, BOOK, "wb", placed.account_id, SPACE, BOOK)
    await placed.db.write(lambda uow: places.delete_place(uow, place))
    assert (await placed.call("GET", "/v1/jobs")).data == []
    assert (await do(placed, job, "ack")).status == 404
    placed.clock.advance(5 * MINUTE)
    assert await placed.db.write(fail_overdue) == 0


ROUTES = [
    *(("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/plan"), ("PUT", "/plan"), ("PATCH", "/plan")),
    *(("POST", f"/{action}") for action in ACTIONS if action not in {"update", "split"}),
]


async def test_another_environments_or_accounts_job_is_not_found_by_any_route(placed: World) -> None:
    job = await make(placed, trigger="immediate")
    for token in (placed.sk_prod, placed.sk_other):
        for method, path in ROUTES:
            reply = await placed.call(method, f"/v1/jobs/{job['id']}{path}", token=token)
            assert (reply.status, reply.error["key"]) == (404, "jobId"), path
        split = await placed.call("POST", f"/v1/jobs/{job['id']}/split", {"parts": 1}, token=token)
        assert (split.status, split.error["key"]) == (404, "jobId")
        assert (await placed.call("GET", f"/v1/jobs?environmentId={placed.dev}", token=token)).data == []
        body = {"type": "workbook", "operation": "x", "source": BOOK}
        assert (await placed.call("POST", "/v1/jobs", body, token=token)).status == 404
    assert (await placed.call("GET", "/v1/jobs", token=placed.pk)).status == 403
    assert await status_of(placed, job) == "ready"


async def test_a_space_token_works_on_the_jobs_of_its_space_only(placed: World) -> None:
    token = mint_space_token(placed.db.keys, SPACE, 0, START)
    other = await make(placed, type="space", source=OTHER_SPACE, trigger="immediate")
    body = {"type": "workbook", "operation": "x", "source": BOOK, "trigger": "immediate"}
    own = (await placed.call("POST", "/v1/jobs", body, token=token)).data
    assert [job["id"] for job in (await placed.call("GET", "/v1/jobs", token=token)).data] == [own["id"]]
    assert (await placed.call("GET", f"/v1/jobs?spaceId={OTHER_SPACE}", token=token)).data == []
    assert (await placed.call("POST", f"/v1/jobs/{own['id']}/complete", token=token)).status == 200
    assert (await placed.call("POST", f"/v1/jobs/{other['id']}/ack", token=token)).status == 404
    for refused in ({"source": OTHER_SPACE}, {"type": "agent", "source": "us_ag_1"}, {"predecessorIds": [other["id"]]}):
        reply = await placed.call("POST", "/v1/jobs", body | refused, token=token)
        assert reply.status in {400, 404}, refused
    assert len(await placed.events("job:created")) == 2


async def test_only_mapping_jobs_have_plans(placed: World) -> None:
    job = await make(placed)
    for method in ("GET", "PUT", "PATCH"):
        reply = await placed.call(method, f"/v1/jobs/{job['id']}/plan", {} if method != "GET" else None)
        assert (reply.status, reply.error["key"]) == (404, "plan")
        assert "only mapping jobs" in reply.error["message"]
