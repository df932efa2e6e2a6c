"""Agents over HTTP: deploying, versions, going back, pausing, logs, exports; whom a deploy lets do what."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import flatfile
import pytest
from flatfile.core.pydantic_utilities import parse_obj_as

from agent_facts import execution_of
from sheetport.features.agents import store
from sheetport.features.agents.store.executions import insert_execution
from sheetport.features.auth.model import CredentialKind, Narrowing
from sheetport.features.auth.service import mint
from sheetport.kernel.actor import system_actor
from sheetport.storage.unit_of_work import UnitOfWork
from wire_shapes import assert_shape
from worlds import Reply, World

SOURCE = "exports.routeEvent = async () => {}\n"


async def deploy(world: World, **said: Any) -> Reply:
    body = {"topics": ["job:ready"], "compiler": "js", "source": SOURCE, **said}
    return await world.call("POST", "/v1/agents", body, params={"environmentId": world.dev})


async def listed(world: World, **query: str) -> Reply:
    return await world.call("GET", "/v1/agents", params={"environmentId": world.dev, **query})


async def test_an_environment_begins_without_agents(world: World) -> None:
    reply = await listed(world)
    assert reply.status == 200
    assert reply.body == {"data": [], "pagination": {"currentPage": 1, "pageCount": 0, "totalCount": 0}}


async def test_a_deploy_without_a_slug_is_given_one_and_a_second_is_its_next_version(world: World) -> None:
    first = (await deploy(world, sourceMap="{}", packageVersions={"@flatfile/listener": "1.1.2"})).data
    assert_shape("Agent", first)
    assert (first["slug"], first["topics"], first["source"]) == ("default", ["job:ready"], SOURCE)
    second = (await deploy(world, slug="default", topics=["job:c*", "cron:**"])).data
    told = ["cron:5-minutes", "cron:daily", "cron:hourly", "cron:weekly", "job:completed", "job:created"]
    assert (second["id"], second["topics"]) == (first["id"], told)
    reply = await world.call("GET", f"/v1/agents/{first['id']}/versions")
    for version in reply.data:
        assert_shape("AgentVersion", version)
    assert [(each["version"], each["origin"]) for each in reply.data] == [(2, 2), (1, 1)]
    assert [event["topic"] for event in await world.events() if event["topic"].startswith("agent:")] == [
        "agent:created",
        "agent:updated",
    ]
    assert [each["target"] for each in await world.audits("agent:create")] == [first["id"]]
    assert [each["target"] for each in await world.audits("agent:update")] == [first["id"]]


async def test_agents_are_listed_without_their_programs_and_found_by_their_slugs(world: World) -> None:
    for slug in ("orders", "Invoices"):
        await deploy(world, slug=slug)
    found = {each["slug"]: "source" in each for each in (await listed(world)).data}
    assert found == {"orders": False, "Invoices": False}
    assert [each["slug"] for each in (await listed(world, search="voice")).data] == ["Invoices"]
    assert (await listed(world, isSystem="true")).data == []
    agent = (await listed(world)).data[0]
    assert (await world.call("GET", f"/v1/agents/{agent['id']}")).data["source"] == SOURCE


async def test_going_back_makes_a_copy_of_the_former_version_the_newest(world: World) -> None:
    agent = (await deploy(world)).data
    await deploy(world, source="exports.routeEvent = null\n")
    versions = (await world.call("GET", f"/v1/agents/{agent['id']}/versions")).data
    reply = await world.call("GET", f"/v1/agents/{agent['id']}/versions/{versions[-1]['id']}/revert")
    assert (reply.data["version"], reply.data["origin"]) == (3, 1)
    assert (await world.call("GET", f"/v1/agents/{agent['id']}")).data["source"] == SOURCE
    absent = await world.call("GET", f"/v1/agents/{agent['id']}/versions/us_agv_none/revert")
    assert (absent.status, absent.error["key"]) == (404, "agentVersionId")


async def test_a_deleted_agent_is_gone_and_leaves_its_slug(world: World) -> None:
    agent = (await deploy(world, slug="a")).data
    gone = await world.call("DELETE", f"/v1/agents/{agent['id']}", params={"environmentId": world.dev})
    assert gone.body == {"data": {"success": True}}
    assert (await world.call("GET", f"/v1/agents/{agent['id']}")).status == 404
    assert (await listed(world)).data == []
    assert (await deploy(world, slug="a")).data["id"] != agent["id"]
    assert len(await world.events("agent:deleted")) == len(await world.audits("agent:delete")) == 1


@pytest.mark.parametrize(
    ("said", "status", "key"),
    [
        ({"source": " "}, 400, "source"),
        ({"source": None}, 400, "source"),
        ({"compiler": "cobol"}, 400, "compiler"),
        ({"template": "automap"}, 400, "template"),
        ({"namespace": "red"}, 400, "namespace"),
        ({"topics": ["x" * 300]}, 400, "topics"),
        ({"slug": "\n"}, 400, "slug"),
    ],
)
async def test_a_bad_deploy_names_its_field(world: World, said: dict[str, Any], status: int, key: str) -> None:
    reply = await deploy(world, **said)
    assert (reply.status, reply.error["key"]) == (status, key)
    assert (await listed(world)).data == []


async def test_a_bundle_of_several_megabytes_is_taken_and_one_of_fifty_is_refused(world: World) -> None:
    large = SOURCE + f"/* {'x' * 6_000_000} */"
    assert (await deploy(world, source=large)).status == 200
    refused = await deploy(world, source=SOURCE + f"/* {'x' * 50_000_000} */")
    assert refused.status == 413


async def test_a_bundle_with_a_live_key_is_refused_and_the_place_is_named(world: World) -> None:
    text = f"// one\nconst key = '{world.sk}'\n"
    reply = await deploy(world, source=SOURCE + text)
    assert (reply.status, reply.error["key"]) == (400, "source")
    assert "the bundle, line 3" in reply.error["message"]
    assert world.sk not in reply.error["message"]
    found = {"sources": ["webpack://app/src/index.ts"], "sourcesContent": [text], "mappings": ""}
    reply = await deploy(world, source=SOURCE + text, sourceMap=json.dumps(found))
    assert "app/src/index.ts, line 2" in reply.error["message"]
    assert (await deploy(world, source=SOURCE + f"// {world.pk}")).status == 200, "a page may carry it, so may this"


async def test_whoever_may_do_less_than_an_agent_deploys_none_and_changes_none(world: World) -> None:
    may = Narrowing(permissions=("environment:read", "environment:write"))
    actor = system_actor(world.account_id, world.dev)
    made = await world.db.write(
        lambda uow: mint(uow, actor, CredentialKind.SECRET_KEY, "narrow", environment_id=world.dev, scope=may)
    )
    new = {"source": SOURCE, "slug": "new"}
    for_dev = {"token": made.token, "params": {"environmentId": world.dev}}
    assert (await world.call("POST", "/v1/agents", new, **for_dev)).status == 403
    assert (await listed(world)).data == []
    agent = (await deploy(world)).data
    assert (await world.call("POST", "/v1/agents", {"source": "// changed"}, **for_dev)).status == 403
    for path in ("pause", "resume"):
        assert (await world.call("POST", f"/v1/agents/{agent['id']}/{path}", token=made.token)).status == 403
    assert (await world.call("GET", f"/v1/agents/{agent['id']}")).data["source"] == SOURCE


async def test_an_agent_is_an_administrator_of_its_environment_until_its_roles_say_otherwise(world: World) -> None:
    agent = (await deploy(world)).data
    roles = (await world.call("GET", f"/v1/agents/{agent['id']}/roles")).data
    assert [role["resourceId"] for role in roles] == [world.dev]
    gone = await world.call("DELETE", f"/v1/agents/{agent['id']}/roles/{roles[0]['id']}")
    assert gone.status == 200


async def test_an_agent_can_be_paused_resumed_and_let_call_a_host(world: World) -> None:
    agent = (await deploy(world)).data
    path = f"/v1/agents/{agent['id']}"
    state = (await world.call("POST", f"{path}/pause")).data
    assert (state["pausedBecause"], state["waiting"]) == ("somebody paused it", 0)
    assert "pausedAt" not in (await world.call("POST", f"{path}/resume")).data
    allowed = await world.call("POST", f"{path}/hosts", {"host": "API.example.com"})
    assert allowed.data["allowedHosts"] == ["api.example.com"]
    bad = await world.call("POST", f"{path}/hosts", {"host": "https://api.example.com"})
    assert (bad.status, bad.error["key"]) == (400, "host")
    assert (await world.call("DELETE", f"{path}/hosts/api.example.com")).data["allowedHosts"] == []
    for action in ("agent:pause", "agent:resume", "agent:allow-host", "agent:refuse-host"):
        assert len(await world.audits(action)) == 1, action


async def test_what_agents_did_is_listed_by_agent_success_and_event(world: World) -> None:
    agent = (await deploy(world)).data

    async def fill(uow: UnitOfWork) -> None:
        own = await store.find_agent(uow, world.dev, agent["id"])
        assert own is not None
        await insert_execution(uow, execution_of(own, "us_evt_1"))
        failed = {"success": False, "state": "failed", "error": "TypeError at src/index.ts:3", "created_at": 2_000}
        await insert_execution(uow, execution_of(own, "us_evt_2", **failed))

    await world.db.write(fill)
    of_environment = {"environmentId": world.dev}
    logs = await world.call("GET", f"/v1/agents/{agent['id']}/logs", params=of_environment)
    for each in logs.data:
        assert_shape("AgentLog", each)
    assert logs.data[0]["log"] == "hello\nTypeError at src/index.ts:3"
    everything = await world.call("GET", "/v1/agents/logs", params=of_environment)
    assert len(parse_obj_as(flatfile.GetDetailedAgentLogsResponse, everything.body).data) == 2
    failed = await world.call("GET", "/v1/agents/executions", params={**of_environment, "success": "false"})
    assert len(parse_obj_as(flatfile.GetExecutionsResponse, failed.body).data) == 1
    assert [(each["eventId"], each["attempt"]) for each in failed.data] == [("us_evt_2", 1)]
    one = await world.call("GET", "/v1/agents/log/us_evt_1", params=of_environment)
    assert parse_obj_as(flatfile.GetDetailedAgentLogResponse, one.body).data.success
    assert (await world.call("GET", "/v1/agents/log/us_evt_9", params=of_environment)).status == 404
    assert (await world.call("GET", "/v1/agents/logs")).error["key"] == "environmentId"


async def test_an_export_job_is_done_at_once_and_its_archive_holds_the_sources(world: World) -> None:
    source_map = {"sources": ["webpack://app/../../etc/passwd", "src/a.ts"], "sourcesContent": ["x", "const a = 1"]}
    agent = (await deploy(world, sourceMap=json.dumps(source_map))).data
    body = {"type": "agent", "operation": "agent-export", "source": agent["id"], "environmentId": world.dev}
    body |= {"config": {"exportType": "SOURCE"}, "trigger": "immediate", "status": "executing"}
    job = (await world.call("POST", "/v1/jobs", body)).data
    assert (job["status"], job["outcome"]["next"]["type"]) == ("complete", "download")
    exports = (await world.call("GET", "/v1/agent-exports", params={"environmentId": world.dev})).data
    assert_shape("AgentExport", exports[0])
    headers = {"Authorization": f"Bearer {world.sk}"}
    archive = await world.client.get(job["outcome"]["next"]["url"], headers=headers)
    with tarfile.open(fileobj=io.BytesIO(archive.content)) as packed:
        assert packed.getnames() == ["bundle.js", "bundle.js.map", "sources/etc/passwd", "sources/src/a.ts"]
    assert (await world.call("DELETE", f"/v1/agent-exports/{exports[0]['id']}")).status == 200
    assert (await world.call("GET", f"/v1/agent-exports/{exports[0]['id']}")).status == 404


async def test_another_environment_or_account_is_not_found(world: World) -> None:
    for foreign in (world.prod, world.other_env, "us_env_absent0000000000"):
        reply = await world.call("GET", "/v1/agents", params={"environmentId": foreign})
        assert (reply.status, reply.error["key"]) == (404, "environmentId"), foreign


@pytest.mark.parametrize(
    ("params", "key"),
    [({}, "environmentId"), ({"environmentId": "dev", "pageSize": "0"}, "pageSize")],
)
async def test_a_bad_question_names_its_field(world: World, params: dict[str, str], key: str) -> None:
    reply = await world.call("GET", "/v1/agents", params=params)
    assert (reply.status, reply.error["key"]) == (400, key)


async def test_no_token_and_a_publishable_key_list_nothing(world: World) -> None:
    assert (await world.call("GET", "/v1/agents", token="", params={"environmentId": world.dev})).status == 401
    assert (await world.call("GET", "/v1/agents", token=world.pk, params={"environmentId": world.dev})).status == 403
