"""Alerts: one call is an event and an audit record, and no list that a client makes without asking holds them."""

from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy import select

from sheetport.features.alerts.service import raise_alert
from sheetport.features.events.model import ALERTS, TOPICS
from sheetport.kernel.actor import system_actor
from sheetport.storage.tables.mail import mails
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import World


async def test_an_alert_of_an_environment_is_told_there(world: World) -> None:
    async def work(uow: UnitOfWork) -> None:
        actor = system_actor(world.account_id)
        await raise_alert(uow, actor, "secret:rotated", "us_sec_1", environment_id=world.dev, name="API key")

    await world.db.write(work)
    (event,) = await world.events("secret:rotated")
    assert (event["environment_id"], event["domain"], event["target"]) == (world.dev, "alert", "us_sec_1")
    assert json.loads(event["payload"]) == {"target": "us_sec_1", "name": "API key"}
    (audit,) = await world.audits("secret:rotated")
    assert (audit["environment_id"], audit["target"]) == (world.dev, "us_sec_1")


async def test_an_alert_of_an_account_is_told_in_production(world: World) -> None:
    async def work(uow: UnitOfWork) -> None:
        actor = system_actor("")
        wanted = {"account_id": world.account_id, "user_id": world.user_id, "is_recorded": True}
        await raise_alert(uow, actor, "login:new-place", world.user_id, **wanted)

    await world.db.write(work)
    (event,) = await world.events("login:new-place")
    assert (event["environment_id"], event["account_id"]) == (world.prod, world.account_id)
    assert json.loads(event["payload"]) == {"target": world.user_id, "userId": world.user_id}
    assert await world.audits("login:new-place") == [], "its caller has recorded it"


async def test_whoever_it_concerns_gets_a_mail_unless_they_did_it(world: World) -> None:
    async def mailed() -> list[tuple[str, str]]:
        rows = await world.db.read(lambda uow: uow.fetch_all(select(mails.c.recipient, mails.c.template)))
        return [(row["recipient"], row["template"]) for row in rows]

    async def exposed(uow: UnitOfWork) -> None:
        await raise_alert(uow, system_actor(world.account_id), "api-key:exposed", "us_pat_1", user_id=world.user_id)

    made = await world.call("POST", "/v1/auth/personal-access-tokens", {"name": "own"}, token=world.pat)
    token_id = made.data["personalAccessToken"]["id"]
    await world.call("DELETE", f"/v1/auth/personal-access-tokens/{token_id}", token=world.pat)
    assert await mailed() == []
    await world.db.write(exposed)
    assert await mailed() == [("admin@example.com", "alert")]


async def test_clients_that_know_the_public_topics_only_are_not_given_alerts_unasked(world: World) -> None:
    async def work(uow: UnitOfWork) -> None:
        await raise_alert(uow, system_actor(world.account_id), "api-key:idle", "us_key_1", environment_id=world.dev)

    await world.db.write(work)
    assert not ALERTS & TOPICS
    while not (await world.call("GET", f"/v1/events?environmentId={world.dev}&domain=alert")).data:
        await asyncio.sleep(0.01)  # until it has its position
    for query, told in (("", 0), ("&topic=api-key:idle", 1), ("&domain=alert", 1), ("&domain=space", 0)):
        listed = await world.call("GET", f"/v1/events?environmentId={world.dev}{query}")
        assert sum(event["topic"] in ALERTS for event in listed.data) == told, query


async def test_nobody_but_the_server_raises_one(world: World) -> None:
    body = {"topic": "api-key:exposed", "domain": "alert", "context": {"environmentId": world.dev}, "payload": {}}
    for changed in ({}, {"topic": "space:created"}, {"domain": "space"}):
        assert (await world.call("POST", "/v1/events", body | changed)).status == 400
    with pytest.raises(ValueError, match="no alert"):
        await world.db.write(lambda uow: raise_alert(uow, system_actor(world.account_id), "space:created", "us_sp_1"))
