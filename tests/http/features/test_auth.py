"""Sign-in, keys and tokens over HTTP: shapes, isolation, revocation, audit records, and what is not told."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from documented import answer_faults
from sheetport.features.auth import service as auth
from sheetport.features.auth.model import CredentialKind
from sheetport.features.auth.service.passwords import DUMMY_HASH
from sheetport.features.users import service as users
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import DAY, HOUR, MINUTE, iso
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import PASSWORD, START, Reply, World

EMAIL = "admin@example.com"
WRONG = "wrong horse battery staple"


async def sign_in(world: World, **body: Any) -> Reply:
    return await world.call("POST", "/v1/auth", body, token="")


async def access_token(world: World) -> str:
    reply = await sign_in(world, email=EMAIL, password=PASSWORD)
    assert reply.status == 200, reply.body
    return str(reply.body["accessToken"])


async def new_client(world: World) -> dict[str, str]:
    """Client credentials of the world's user, as a sign-in's body."""
    path = f"/v1/users/{world.user_id}/api-token?tenantId={world.account_id}"
    reply = await world.call("POST", path, token=world.pat)
    assert reply.status == 200, reply.body
    return {"clientId": reply.data["clientId"], "secret": reply.data["secret"]}


async def status(world: World, token: str) -> int:
    """What a harmless call answers to a token."""
    return (await world.call("GET", "/v1/environments", token=token)).status


async def keys_of(world: World, token: str | None = None, environment: str | None = None) -> Reply:
    return await world.call("GET", f"/v1/auth/api-keys?environmentId={environment or world.dev}", token=token)


# Sign-in


@pytest.mark.parametrize("kind", [{}, {"type": "userCredentials"}, {"type": None}])
async def test_a_password_is_exchanged_for_an_access_token_of_24_hours(world: World, kind: dict[str, Any]) -> None:
    reply = await sign_in(world, email="  ADMIN@Example.com", password=PASSWORD, **kind)
    assert reply.status == 200
    assert answer_faults("post", "/v1/auth", reply.body) == []
    token = reply.body.pop("accessToken")
    assert reply.body == {
        "expiresIn": "86400",
        "expires": iso(START + DAY),
        "email": EMAIL,
        "userId": world.user_id,
        "accountId": world.account_id,
    }
    assert reply.headers["cache-control"] == "no-store"
    assert await status(world, token) == 200
    world.clock.advance(DAY - 1)
    assert await status(world, token) == 200
    world.clock.advance(1)
    assert await status(world, token) == 401


@pytest.mark.parametrize("kind", [{}, {"type": "apiCredentials"}])
async def test_client_credentials_are_exchanged_for_an_access_token(world: World, kind: dict[str, Any]) -> None:
    client = await new_client(world)
    reply = await sign_in(world, **client, **kind)
    assert reply.status == 200
    assert answer_faults("post", "/v1/auth", reply.body) == []
    assert (reply.body["userId"], reply.body["email"]) == (world.user_id, EMAIL)
    assert await status(world, reply.body["accessToken"]) == 200
    assert await status(world, client["secret"]) == 401, "the secret itself is no token"


async def test_each_sign_in_is_one_audit_record_without_the_password(world: World) -> None:
    await sign_in(world, email=EMAIL, password=PASSWORD)
    await sign_in(world, email=EMAIL, password=WRONG)
    await sign_in(world, email="nobody@example.com", password=WRONG)
    (admitted,) = await world.audits("auth:sign-in")
    assert (admitted["account_id"], admitted["actor_id"]) == (world.account_id, world.user_id)
    known, unknown = await world.audits("auth:refused")
    assert (known["account_id"], unknown["account_id"]) == (world.account_id, "")
    assert await world.audits("access:create") == []
    written = json.dumps([{k: str(v) for k, v in audit.items()} for audit in await world.audits()])
    assert not any(hidden in written for hidden in (PASSWORD, WRONG, "nobody@example.com"))
    assert json.loads(known["detail"])["claimed"] != json.loads(unknown["detail"])["claimed"]


async def test_every_wrong_credential_is_refused_with_the_same_bytes(world: World) -> None:
    client = await new_client(world)
    tries = [
        {"email": "nobody@example.com", "password": PASSWORD},
        {"email": EMAIL, "password": WRONG},
        {"email": EMAIL, "password": ""},
        {"email": EMAIL, "password": "p" * 100_000},
        {"clientId": client["clientId"], "secret": "cs_wrong"},
        {"clientId": "us_cli_absent", "secret": client["secret"]},
        {"clientId": world.user_id, "secret": world.pat},
    ]
    replies = [await sign_in(world, **body) for body in tries]
    await disable(world)
    replies += [await sign_in(world, email=EMAIL, password=PASSWORD), await sign_in(world, **client)]
    assert {reply.status for reply in replies} == {401}
    assert len({json.dumps(reply.body) for reply in replies}) == 1
    assert len({len(reply.headers) for reply in replies}) == 1


async def disable(world: World) -> None:
    """Disable the world's user, once another is there to be the account's Administrator."""

    async def work(uow: UnitOfWork) -> None:
        await users.create_user(uow, world.account_id, "second@example.com", "Second")
        await users.disable_user(uow, system_actor(world.account_id), world.user_id)

    await world.db.write(work)


async def test_a_user_without_a_password_cannot_sign_in(world: World) -> None:
    async def add(uow: UnitOfWork) -> None:
        await users.create_user(uow, world.account_id, "invited@example.com", "Invited")

    await world.db.write(add)
    for password in ("", DUMMY_HASH, PASSWORD):
        assert (await sign_in(world, email="invited@example.com", password=password)).status == 401


async def test_refusals_take_the_same_time_whether_the_address_exists(world: World) -> None:
    """The fastest of many is the work itself, free of what else the machine does: rounds go on until both are found.

    benchmarks/soak/enumeration.py measures more closely.
    """

    async def timed(email: str) -> float:
        start = time.perf_counter()
        assert (await sign_in(world, email=email, password=WRONG)).status == 401
        return time.perf_counter() - start

    known = unknown = 1e9
    for _ in range(60):
        known = min(known, await timed(EMAIL))
        unknown = min(unknown, await timed("nobody@example.com"))
        if abs(known - unknown) <= 0.1 * known:
            return
    pytest.fail(f"known {known * 1e3:.1f} ms, unknown {unknown * 1e3:.1f} ms")


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ({}, ["email", "password"]),
        ({"email": "a@b.c"}, ["password"]),
        ({"password": "x", "clientId": "y"}, ["email"]),
        ({"clientId": "x"}, ["secret"]),
        ({"secret": "x"}, ["clientId"]),
        ({"type": "apiCredentials", "email": "a@b.c", "password": "x"}, ["clientId", "secret"]),
        ({"type": "nonsense", "email": "a@b.c", "password": "x"}, ["type"]),
        ({"email": 5, "password": "x"}, ["email"]),
        ({"email": "a@b.c", "password": ["x"]}, ["password"]),
    ],
)
async def test_a_malformed_sign_in_names_its_fields(world: World, body: dict[str, Any], keys: list[str]) -> None:
    reply = await sign_in(world, **body)
    assert reply.status == 400
    assert [error["key"] for error in reply.body["errors"]] == keys
    assert all(error["message"].strip() for error in reply.body["errors"])


async def test_a_sign_in_without_json_is_refused(world: World) -> None:
    headers = {"Content-Type": "application/json"}
    for content in (b"", b"{", b"[]", b"null", b'"text"'):
        reply = await world.call("POST", "/v1/auth", token="", content=content, headers=headers)
        assert reply.status == 400, content


# Access tokens are listed, refreshed and revoked


async def test_sign_ins_are_listed_by_name_and_revoked_at_once(world: World) -> None:
    world.clock.advance(1)
    token = await access_token(world)
    world.clock.advance(1)
    await sign_in(world, **await new_client(world))
    reply = await world.call("GET", "/v1/auth/personal-access-tokens", token=token)
    assert answer_faults("get", "/v1/auth/personal-access-tokens", reply.body) == []
    assert [entry["name"] for entry in reply.data] == ["test", "password sign-in", "client credentials"]
    path = f"/v1/auth/personal-access-tokens/{reply.data[1]['id']}"
    assert (await world.call("DELETE", path, token=token)).body == {"data": {"success": True}}
    assert await status(world, token) == 401
    assert [audit["target"] for audit in await world.audits("access:delete")] == [reply.data[1]["id"]]
    assert (await world.call("DELETE", path, token=world.pat)).status == 404, "twice"


async def test_ended_sign_ins_are_not_listed(world: World) -> None:
    await access_token(world)
    world.clock.advance(DAY)
    reply = await world.call("GET", "/v1/auth/personal-access-tokens", token=world.pat)
    assert [entry["name"] for entry in reply.data] == ["test"]


@pytest.mark.parametrize("body", [None, "text", {}])
async def test_an_access_token_is_refreshed_and_stays_good_itself(world: World, body: Any) -> None:
    old = await access_token(world)
    world.clock.advance(23 * HOUR)
    reply = await world.call("POST", "/v1/auth/refresh-token", body, token=old)
    assert reply.status == 200
    assert answer_faults("post", "/v1/auth/refresh-token", reply.body) == []
    new = reply.body["accessToken"]
    assert reply.body["expires"] == iso(START + 23 * HOUR + DAY)
    assert [await status(world, token) for token in (old, new)] == [200, 200]
    world.clock.advance(HOUR)
    assert [await status(world, token) for token in (old, new)] == [401, 200]
    assert len(await world.audits("auth:refresh")) == 1


async def test_only_access_tokens_can_be_refreshed(world: World) -> None:
    refused = [(world.pat, 400), (world.sk, 403), (world.pk, 403), ("", 401), ("at_nonsense", 401)]
    for token, expected in refused:
        reply = await world.call("POST", "/v1/auth/refresh-token", token=token)
        assert (reply.status, bool(reply.error["message"])) == (expected, True)


async def test_a_revoked_sign_in_takes_along_what_was_refreshed_from_it(world: World) -> None:
    old = await access_token(world)
    tokens = [old]
    for _ in range(2):
        world.clock.advance(1)
        reply = await world.call("POST", "/v1/auth/refresh-token", token=tokens[-1])
        tokens.append(reply.body["accessToken"])
    listed = await world.call("GET", "/v1/auth/personal-access-tokens", token=old)
    first = next(entry["id"] for entry in listed.data if entry["name"] == "password sign-in")
    await world.call("DELETE", f"/v1/auth/personal-access-tokens/{first}", token=world.pat)
    assert [await status(world, token) for token in tokens] == [401, 401, 401]


async def test_deleted_client_credentials_take_their_tokens_along(world: World) -> None:
    client = await new_client(world)
    token = (await sign_in(world, **client)).body["accessToken"]
    refreshed = (await world.call("POST", "/v1/auth/refresh-token", token=token)).body["accessToken"]
    reply = await world.call("DELETE", f"/v1/auth/personal-access-tokens/{client['clientId']}", token=world.pat)
    assert reply.status == 200
    assert [await status(world, each) for each in (token, refreshed)] == [401, 401]
    assert (await sign_in(world, **client)).status == 401


async def test_a_disabled_user_is_shut_out_at_once(world: World) -> None:
    token = await access_token(world)
    assert await status(world, token) == 200
    await disable(world)
    assert [await status(world, each) for each in (token, world.pat)] == [401, 401]
    assert await status(world, world.sk) == 200, "keys belong to the environment"


# Personal access tokens


async def test_a_personal_access_token_is_shown_once_and_reaches_the_whole_account(world: World) -> None:
    reply = await world.call("POST", "/v1/auth/personal-access-tokens", {"name": " reports "}, token=world.pat)
    assert reply.status == 200
    assert answer_faults("post", "/v1/auth/personal-access-tokens", reply.body) == []
    token, shown = reply.data["token"], reply.data["personalAccessToken"]
    assert token.startswith("pat_")
    assert shown == {"id": shown["id"], "name": "reports", "createdAt": iso(START)}
    listed = await world.call("GET", "/v1/auth/personal-access-tokens", token=token)
    assert token not in json.dumps(listed.body)
    reached = await world.call("GET", "/v1/environments", token=token)
    assert {item["id"] for item in reached.data} == {world.dev, world.prod}
    for environment, expected in ((world.dev, 200), (world.prod, 200), (world.other_env, 404)):
        assert (await keys_of(world, token, environment)).status == expected
    audit = (await world.audits("personal:create"))[-1]
    assert (audit["target"], audit["actor_id"]) == (shown["id"], world.user_id)


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "  "}, {"name": "n" * 256}, {"name": 1}])
async def test_a_personal_access_token_needs_a_name(world: World, body: dict[str, Any]) -> None:
    reply = await world.call("POST", "/v1/auth/personal-access-tokens", body, token=world.pat)
    assert (reply.status, reply.error["key"]) == (400, "name")


async def test_personal_access_tokens_are_the_users_own(world: World) -> None:
    mine = (await world.call("GET", "/v1/auth/personal-access-tokens", token=world.pat)).data
    theirs = (await world.call("GET", "/v1/auth/personal-access-tokens", token=world.pat_other)).data
    assert {entry["id"] for entry in mine}.isdisjoint(entry["id"] for entry in theirs)
    for token_id in (theirs[0]["id"], "us_pat_absent"):
        reply = await world.call("DELETE", f"/v1/auth/personal-access-tokens/{token_id}", token=world.pat)
        assert reply.status == 404, token_id
    assert await status(world, world.pat_other) == 200
    for token in (world.sk, world.pk):
        assert (await world.call("GET", "/v1/auth/personal-access-tokens", token=token)).status == 403


async def test_last_use_is_kept_to_the_minute(world: World) -> None:
    world.clock.advance(2 * MINUTE + 7)
    await status(world, world.pat)
    used = world.app.verifier.take_used()
    assert world.app.verifier.take_used() == {}
    await world.db.write(lambda uow: auth.flush_last_used(uow, used))
    await world.db.write(lambda uow: auth.flush_last_used(uow, dict.fromkeys(used, START - DAY)))
    reply = await world.call("GET", "/v1/auth/personal-access-tokens", token=world.pat)
    at = START + 2 * MINUTE
    assert reply.data[0]["lastUsedAt"] == iso(at - at % MINUTE), "a late batch does not turn it back"


# Keys of environments


async def test_publishable_keys_stay_readable_and_secret_keys_do_not(world: World) -> None:
    reply = await keys_of(world, world.pat)
    assert answer_faults("get", "/v1/auth/api-keys", reply.body) == []
    raw = {key["type"]: key.get("rawKey") for key in reply.data}
    assert raw["SECRET"] is None
    assert world.pk in [key.get("rawKey") for key in reply.data]
    assert {(key["environmentId"], key["accountId"]) for key in reply.data} == {(world.dev, world.account_id)}
    reply = await world.call("GET", f"/v1/auth/publishable-key?environmentId={world.dev}")
    assert answer_faults("get", "/v1/auth/publishable-key", reply.body) == []
    assert reply.data in [key for key in (await keys_of(world)).data if key["type"] == "PUBLISHABLE"]
    assert reply.data["rawKey"].startswith("pk_dev_")


@pytest.mark.parametrize(("kind", "stage"), [("SECRET", "sk"), ("PUBLISHABLE", "pk")])
async def test_a_new_key_is_shown_in_its_answer(world: World, kind: str, stage: str) -> None:
    world.clock.advance(1)
    for environment, name in ((world.dev, "dev"), (world.prod, "prod")):
        reply = await world.call("POST", f"/v1/auth/api-key?environmentId={environment}&type={kind}", token=world.pat)
        assert reply.status == 200
        assert answer_faults("post", "/v1/auth/api-key", reply.body) == []
        new = reply.data[-1]
        assert new["rawKey"].startswith(f"{stage}_{name}_")
        assert await status(world, new["rawKey"]) == (200 if kind == "SECRET" else 403)
        listed = await keys_of(world, world.pat, environment)
        shown = {key["id"]: key.get("rawKey") for key in listed.data}
        assert shown[new["id"]] == (None if kind == "SECRET" else new["rawKey"])
        assert [a["environment_id"] for a in await world.audits() if a["target"] == new["id"]] == [environment]


async def test_a_key_is_deleted_by_itself_or_by_its_id_and_refused_at_once(
    world: World, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    listed = {key["type"]: key["id"] for key in (await keys_of(world, world.pat)).data}
    assert await status(world, world.sk) == 200
    path = f"/v1/auth/api-key?environmentId={world.dev}&key="
    assert (await world.call("DELETE", path + world.sk, token=world.pat)).body == {"data": {"success": True}}
    assert await status(world, world.sk) == 401
    reply = await world.call("DELETE", path + world.sk, token=world.pat)
    assert reply.status == 404
    assert world.sk not in json.dumps(reply.body)
    assert (await world.call("DELETE", path + listed["PUBLISHABLE"], token=world.pat)).status == 200
    out, err = capfd.readouterr()
    assert world.sk not in out + err + caplog.text
    assert len(await world.audits("secret_key:delete")) == 1
    assert len(await world.audits("publishable_key:delete")) == 1


async def test_only_users_make_and_delete_keys(world: World) -> None:
    for token in (world.sk, world.pk):
        path = f"/v1/auth/api-key?environmentId={world.dev}"
        assert (await world.call("POST", f"{path}&type=SECRET", token=token)).status == 403
        assert (await world.call("DELETE", f"{path}&key={world.sk}", token=token)).status == 403
    assert (await keys_of(world)).status == 200
    assert (await keys_of(world, world.pk)).status == 403


async def test_keys_of_other_environments_and_accounts_are_not_found(world: World) -> None:
    for token, environment in ((world.sk, world.prod), (world.sk, world.other_env), (world.pat, world.other_env)):
        reply = await keys_of(world, token, environment)
        assert (reply.status, reply.error["key"]) == (404, "environmentId")
    for environment, key in (
        (world.dev, world.sk_prod),
        (world.dev, world.sk_other),
        (world.other_env, world.sk_other),
    ):
        path = f"/v1/auth/api-key?environmentId={environment}&key={key}"
        assert (await world.call("DELETE", path, token=world.pat)).status == 404
    path = f"/v1/auth/api-key?environmentId={world.other_env}&type=SECRET"
    assert (await world.call("POST", path, token=world.pat)).status == 404
    assert [await status(world, key) for key in (world.sk_prod, world.sk_other)] == [200, 200]


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("GET", "api-keys", "environmentId"),
        ("GET", "publishable-key", "environmentId"),
        ("POST", "api-key?type=SECRET", "environmentId"),
        ("POST", "api-key?environmentId=DEV", "type"),
        ("POST", "api-key?environmentId=DEV&type=secret", "type"),
        ("DELETE", "api-key?environmentId=DEV", "key"),
    ],
)
async def test_missing_and_wrong_parameters_are_named(world: World, method: str, path: str, key: str) -> None:
    reply = await world.call(method, f"/v1/auth/{path.replace('DEV', world.dev)}", token=world.pat)
    assert (reply.status, reply.error["key"]) == (400, key)
    assert key in reply.error["message"]


# Client credentials


async def test_client_credentials_show_their_secret_once(world: World) -> None:
    path = f"/v1/users/{world.user_id}/api-token"
    tenant = {"tenantId": world.account_id}
    made = await world.call("POST", path, token=world.pat, params=tenant)
    assert answer_faults("post", "/v1/users/{userId}/api-token", made.body) == []
    world.clock.advance(1)
    assert (await world.call("POST", path, {}, token=world.pat, params=tenant)).status == 200
    listed = await world.call("GET", path, token=world.pat, params=tenant | {"pageSize": "1"})
    assert answer_faults("get", "/v1/users/{userId}/api-token", listed.body) == []
    assert listed.body["pagination"] == {"currentPage": 1, "pageCount": 2, "totalCount": 2}
    assert listed.data == [{k: v for k, v in made.data.items() if k != "secret"}]
    assert made.data["secret"] not in json.dumps(listed.body)
    assert len(await world.audits("client:create")) == 2


async def test_client_credentials_are_their_users_own(world: World) -> None:
    async def add(uow: UnitOfWork) -> str:
        user = await users.create_user(uow, world.account_id, "bob@example.com", "Bob")
        return user.id

    colleague = await world.db.write(add)
    refused = [
        (world.pat, colleague, world.account_id, 403),
        (world.pat, world.other_user_id, world.account_id, 404),
        (world.pat, "us_usr_absent", world.account_id, 404),
        (world.pat, world.user_id, world.other_account_id, 404),
        (world.sk, world.user_id, world.account_id, 403),
        (world.pk, world.user_id, world.account_id, 403),
    ]
    for token, user_id, tenant, expected in refused:
        for method in ("GET", "POST"):
            reply = await world.call(method, f"/v1/users/{user_id}/api-token?tenantId={tenant}", token=token)
            assert reply.status == expected, (method, user_id)
    reply = await world.call("POST", f"/v1/users/{world.user_id}/api-token", token=world.pat)
    assert (reply.status, reply.error["key"]) == (400, "tenantId")


# Tokens of every kind


async def test_what_is_no_token_is_refused(world: World) -> None:
    wrong = ["nonsense", world.sk[:-1], world.sk + "x", "sk_dev_" + "0" * 39, "spt_x.1.1.x", "t" * 5_000]
    for token in wrong:
        assert await status(world, token) == 401, token
    for header in ("", "Bearer", "Bearer ", f"Basic {world.sk}", world.sk):
        reply = await world.call("GET", "/v1/environments", token="", headers={"Authorization": header})
        assert reply.status == 401, header
        assert reply.headers["www-authenticate"].startswith("Bearer")


async def test_the_server_can_end_a_credential_itself(world: World) -> None:
    async def make(uow: UnitOfWork) -> Any:
        actor = system_actor(world.account_id)
        return await auth.mint(uow, actor, CredentialKind.SECRET_KEY, "run", environment_id=world.dev)

    minted = await world.db.write(make)
    assert await status(world, minted.token) == 200
    for _ in range(2):
        await world.db.write(lambda uow: auth.revoke_credential(uow, system_actor(""), minted.credential.id))
    assert await status(world, minted.token) == 401
    assert len(await world.audits("secret_key:delete")) == 1
