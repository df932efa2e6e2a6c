"""The audit log over HTTP: what administrators see of it, what is counted for it, and how it is exported."""

from __future__ import annotations

import pytest

from sheetport.features.audit.codec.verifying import verify
from sheetport.kernel.clock import MINUTE, iso
from sheetport.kernel.crypto import key_fingerprint
from sheetport.runtime.background import record_counted
from worlds import START, World

PYTHON = {"User-Agent": "python-httpx/1"}


async def make_space(world: World, name: str) -> str:
    reply = await world.call("POST", "/v1/spaces", {"name": name, "environmentId": world.dev}, headers=PYTHON)
    return str(reply.data["id"])


async def test_a_record_tells_who_did_what_from_where(world: World) -> None:
    space = await make_space(world, "one")
    listed = await world.call("GET", "/v1/audit", params={"target": space}, token=world.pat)
    (found,) = listed.data
    assert listed.headers["cache-control"] == "no-store"
    assert listed.body["pagination"] == {"currentPage": 1, "pageCount": 1, "totalCount": 1}
    assert (found["action"], found["target"], found["environmentId"]) == ("space:create", space, world.dev)
    assert found["actor"]["kind"] == "secret_key"
    assert found["actor"]["tokenId"] == found["actor"]["id"]
    assert found["personal"] == {"src_endpoint.ip": "127.0.0.1"}
    assert found["userAgent"] == "python"
    assert found["requestId"].startswith("req_")
    assert found["createdAt"] == iso(START)


async def test_writes_and_reads_are_one_list_newest_first_and_filtered(world: World) -> None:
    space = await make_space(world, "one")
    world.clock.advance(MINUTE)
    await world.call("GET", "/v1/secrets", params={"environmentId": world.dev})
    world.clock.advance(MINUTE)
    await make_space(world, "two")
    newest = (await world.call("GET", "/v1/audit", params={"pageSize": 2}, token=world.pat)).data
    assert [each["action"] for each in newest] == ["space:create", "secret:read"]

    async def targets(**params: str) -> list[str | None]:
        listed = await world.call("GET", "/v1/audit", params={"action": "space", **params}, token=world.pat)
        return [each.get("target") for each in listed.data]

    assert len(await targets()) == 2
    assert await targets(until=iso(START + 1)) == [space]
    assert space not in await targets(since=iso(START + 1))
    assert await targets(environmentId=world.prod) == []
    assert await targets(actor="us_key_nobody") == []
    assert len(await targets(action="secret:read")) == 1


@pytest.mark.parametrize(
    ("params", "key"), [({"since": "yesterday"}, "since"), ({"pageNumber": "900", "pageSize": "100"}, "pageNumber")]
)
async def test_what_cannot_be_asked_is_named(world: World, params: dict[str, str], key: str) -> None:
    reply = await world.call("GET", "/v1/audit", params=params, token=world.pat)
    assert (reply.status, reply.error["key"]) == (400, key)


async def test_the_export_of_an_account_verifies_and_holds_nothing_of_another(world: World) -> None:
    await make_space(world, "one")
    await world.call("GET", "/v1/secrets", params={"environmentId": world.dev})
    reply = await world.client.get("/v1/audit/export", headers={"Authorization": f"Bearer {world.pat}"})
    assert (reply.status_code, reply.headers["content-type"].partition(";")[0]) == (200, "application/x-ndjson")
    lines = reply.content.splitlines(keepends=True)
    verified = verify(lines, key_fingerprint(world.db.keys.audit_public_key))
    assert verified.chains == 3, "of the account and of its two environments"
    assert b"secret:read" in reply.content
    assert b"admin@example.com" in reply.content
    assert world.other_account_id.encode() not in reply.content
    one = await world.call("GET", "/v1/audit/export", params={"environmentId": world.dev}, token=world.pat)
    assert verify(one.body.encode().splitlines(keepends=True)).chains == 1
    other = await world.call("GET", "/v1/audit/export", params={"environmentId": world.other_env}, token=world.pat)
    assert other.status == 404


async def test_checkpoints_are_listed_with_the_key_that_signed_them(world: World) -> None:
    await make_space(world, "one")
    await world.app.sealer.seal_all()
    world.clock.advance(2 * MINUTE)
    await make_space(world, "two")
    await world.app.sealer.seal_all()
    listed = await world.call("GET", "/v1/audit/checkpoints", token=world.pat)
    assert {each["chain"] for each in listed.data} == {world.dev}
    assert listed.data[0]["publicKey"] == world.db.keys.audit_public_key.hex()
    assert len(listed.data[0]["signature"]) == 128


async def test_refusals_are_one_record_for_a_token_an_address_and_a_minute(world: World) -> None:
    for _ in range(5):
        assert (await world.call("GET", "/v1/spaces", token="sk_dev_wrong")).status == 401
    for _ in range(3):
        assert (await world.call("GET", "/v1/users")).status == 403
    assert await world.audits("request:refused") == []
    await record_counted(world.db, world.app.tally)
    unknown, forbidden = sorted(await world.audits("request:refused"), key=lambda each: str(each["account_id"]))
    assert (unknown["account_id"], unknown["actor_id"]) == ("", "")
    assert '"count":5' in unknown["detail"]
    assert "wrong" not in str(unknown)
    assert (forbidden["account_id"], forbidden["actor_kind"]) == (world.account_id, "secret_key")
    assert '"count":3' in forbidden["detail"]
    await record_counted(world.db, world.app.tally)
    assert len(await world.audits("request:refused")) == 2


async def test_a_revoked_tokens_refusal_is_its_accounts(world: World) -> None:
    made = await world.call("POST", "/v1/auth/personal-access-tokens", {"name": "one"}, token=world.pat)
    token, id_ = made.data["token"], made.data["personalAccessToken"]["id"]
    await world.call("DELETE", f"/v1/auth/personal-access-tokens/{id_}", token=world.pat)
    assert (await world.call("GET", "/v1/spaces", token=token)).status == 401
    await record_counted(world.db, world.app.tally)
    (refused,) = await world.audits("request:refused")
    assert (refused["account_id"], refused["target"]) == (world.account_id, id_)


async def test_a_keys_first_use_from_an_address_is_one_record(world: World) -> None:
    for _ in range(4):
        await world.call("GET", "/v1/spaces")
    await record_counted(world.db, world.app.tally)
    (found,) = [each for each in await world.audits("credential:new-address") if each["actor_kind"] == "secret_key"]
    assert found["target"] == found["token_id"]
    world.app.tally._seen.clear()  # as after a start
    await world.call("GET", "/v1/spaces")
    await record_counted(world.db, world.app.tally)
    assert len(await world.audits("credential:new-address")) == 1
