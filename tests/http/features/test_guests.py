"""Guests: who is let into what, by which links they come, and that their removal is final."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from servers.data_places import DataPlace
from servers.mail import Mailbox, running_mailbox
from sheetport.config import StorageSettings
from sheetport.features.guests.jobs import sweep_guests
from sheetport.features.leaks.model import Report, Reporter
from sheetport.features.leaks.service import revoke_exposed
from sheetport.kernel.clock import DAY, HOUR, MINUTE
from sheetport.kernel.token_scan import find_tokens
from sheetport.storage.tables.guests import guest_link_requests, guests
from sheetport.storage.tables.mail import mails
from wire_shapes import assert_shape
from worlds import Reply, World, opened_world

SHEETS = [{"name": "People", "slug": "people", "fields": [{"key": "name", "type": "string"}]}] * 2


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with running_mailbox() as running:
        yield running


@pytest.fixture
async def world(data_place: DataPlace, mailbox: Mailbox) -> AsyncIterator[World]:
    """A world that sends mail."""
    storage = StorageSettings(data_place.data, data_place.data.with_suffix(".key"), data_place.url)
    mailbox.messages.clear()
    async with opened_world(storage, mail=mailbox.settings) as opened:
        yield opened


@pytest.fixture
async def silent(sqlite_place: DataPlace) -> AsyncIterator[World]:
    """A world that sends none."""
    async with opened_world(StorageSettings(sqlite_place.data, sqlite_place.data.with_suffix(".key"))) as opened:
        yield opened


async def make_space(world: World, name: str = "Harbour", **more: Any) -> str:
    reply = await world.call("POST", "/v1/spaces", {"name": name, **more})
    assert reply.status == 200, reply.body
    return str(reply.data["id"])


async def make_book(world: World, space: str) -> dict[str, Any]:
    sheets = [{**sheet, "slug": f"people{number}"} for number, sheet in enumerate(SHEETS)]
    reply = await world.call("POST", "/v1/workbooks", {"name": "Book", "spaceId": space, "sheets": sheets})
    assert reply.status == 200, reply.body
    found: dict[str, Any] = reply.data
    return found


async def make_guest(world: World, *spaces: Any, email: str = "ada@example.com", name: str = "Ada") -> dict[str, Any]:
    """A guest of spaces, each an id or what a request says of one."""
    named = [space if isinstance(space, dict) else {"id": space} for space in spaces]
    body = [{"environmentId": world.dev, "email": email, "name": name, "spaces": named}]
    reply = await world.call("POST", "/v1/guests", body)
    assert reply.status == 200, reply.body
    (guest,) = reply.data
    return dict(guest)


async def token_of(world: World, guest: dict[str, Any], space: str | None = None) -> str:
    query = f"?spaceId={space}" if space else ""
    reply = await world.call("GET", f"/v1/guests/{guest['id']}/token{query}")
    assert reply.status == 200, reply.body
    assert reply.data["valid"] is True
    return str(reply.data["token"])


async def exchange(world: World, **body: Any) -> Reply:
    return await world.call("POST", "/v1/invitations/exchange", body, token="")


async def deliver(world: World) -> None:
    """Answer who asked for a link, and send what waits."""
    sender = world.app.mail_sender
    assert sender is not None
    async with asyncio.timeout(20):
        while await rows(world, guest_link_requests) or "waiting" in {
            row["status"] for row in await rows(world, mails)
        }:
            await world.app._answer_guests()
            await sender.send_due()


def link_in(text: str) -> str:
    """The token of the link in a mail."""
    line = next(line for line in text.splitlines() if line.startswith("http"))
    assert urlsplit(line).path.startswith("/space/")
    return parse_qs(urlsplit(line).query)["token"][0]


async def status(world: World, path: str, token: str, method: str = "GET", body: Any = None) -> int:
    return (await world.call(method, path, body, token=token)).status


async def test_a_guest_is_made_read_changed_and_removed(world: World) -> None:
    space, other = await make_space(world), await make_space(world, "Depot")
    made = await make_guest(world, space)
    assert_shape("Guest", made)
    assert (made["email"], made["name"], made["spaces"]) == ("ada@example.com", "Ada", [{"id": space}])
    assert (await world.call("GET", f"/v1/guests/{made['id']}")).data == made
    assert (await world.call("GET", f"/v1/guests?spaceId={space}")).data == [made]
    assert (await world.call("GET", f"/v1/guests?spaceId={space}&email=ADA@example.com")).data == [made]
    assert (await world.call("GET", f"/v1/guests?spaceId={space}&email=nobody")).data == []
    assert (await world.call("GET", f"/v1/guests?spaceId={other}")).data == []
    change = {"name": "Ada L.", "spaces": [{"id": other}]}
    changed = (await world.call("PATCH", f"/v1/guests/{made['id']}", change)).data
    assert (changed["name"], changed["spaces"]) == ("Ada L.", [{"id": other}])
    again = await make_guest(world, space, other, email="Ada@Example.com", name="Somebody")
    assert (again["id"], again["name"]) == (made["id"], "Ada L."), "one address is one guest"
    assert {each["id"] for each in again["spaces"]} == {space, other}
    assert (await world.call("DELETE", f"/v1/guests/{made['id']}?spaceId={other}")).body == {"data": {"success": True}}
    assert (await world.call("GET", f"/v1/guests/{made['id']}")).data["spaces"] == [{"id": space}]
    assert (await world.call("DELETE", f"/v1/guests/{made['id']}")).status == 200
    assert (await world.call("GET", f"/v1/guests/{made['id']}")).status == 404
    added = [(e["topic"], e["space_id"]) for e in await world.events() if e["topic"].startswith("space:guest")]
    assert added == [
        ("space:guestAdded", space),
        ("space:guestRemoved", space),
        ("space:guestAdded", other),
        ("space:guestAdded", space),
        ("space:guestRemoved", other),
        ("space:guestRemoved", space),
    ]
    recorded = sorted({a["action"] for a in await world.audits() if a["action"].startswith("guest:")})
    assert recorded == ["guest:create", "guest:delete", "guest:let-in", "guest:put-out", "guest:update"]


async def test_a_guest_reaches_the_space_workbook_or_sheet_they_are_let_into_and_nothing_else(world: World) -> None:
    space, other = await make_space(world), await make_space(world, "Depot")
    book, beside = await make_book(world, space), await make_book(world, space)
    sheet, sibling = (each["id"] for each in book["sheets"])
    whole = await token_of(world, await make_guest(world, space), space)
    in_book = {"id": space, "workbooks": [{"id": book["id"]}]}
    booked = await token_of(world, await make_guest(world, in_book, email="b@example.com"))
    in_sheet = {"id": space, "sheets": [{"id": sheet}]}
    sheeted_guest = await make_guest(world, in_sheet, email="c@example.com")
    sheeted = await token_of(world, sheeted_guest)
    assert (await world.call("GET", f"/v1/guests/{sheeted_guest['id']}")).data["spaces"][0]["sheets"] == [{"id": sheet}]
    expected = {  # of whoever is let into all of the space, a workbook, a sheet
        f"/v1/spaces/{space}": (200, 200, 200),
        f"/v1/spaces/{other}": (404, 404, 404),
        f"/v1/workbooks/{book['id']}": (200, 200, 200),
        f"/v1/workbooks/{beside['id']}": (200, 404, 404),
        f"/v1/sheets/{sheet}/records": (200, 200, 200),
        f"/v1/sheets/{sibling}/records": (200, 200, 404),
        f"/v1/sheets/{beside['sheets'][0]['id']}/records": (200, 404, 404),
        f"/v1/secrets?environmentId={world.dev}": (403, 403, 403),
    }
    found = {path: tuple([await status(world, path, each) for each in (whole, booked, sheeted)]) for path in expected}
    assert found == expected
    rows = [{"name": {"value": "Grace"}}]
    for token, target, wanted in ((whole, sibling, 200), (booked, sheet, 200), (sheeted, sheet, 200)):
        assert await status(world, f"/v1/sheets/{target}/records", token, "POST", rows) == wanted
    assert await status(world, f"/v1/sheets/{sibling}/records", sheeted, "POST", rows) == 404
    for token in (whole, booked, sheeted):
        assert await status(world, f"/v1/spaces/{space}", token, "DELETE") == 403
        assert await status(world, f"/v1/workbooks/{book['id']}", token, "DELETE") == 403
        assert await status(world, "/v1/users", token) == 403


async def test_what_a_guest_is_let_into_changes_at_once(world: World) -> None:
    space = await make_space(world)
    book = await make_book(world, space)
    guest = await make_guest(world, space)
    token = await token_of(world, guest)
    sheets = [each["id"] for each in book["sheets"]]
    assert [await status(world, f"/v1/sheets/{each}", token) for each in sheets] == [200, 200]
    narrowed = {"spaces": [{"id": space, "sheets": [{"id": sheets[0]}]}]}
    assert (await world.call("PATCH", f"/v1/guests/{guest['id']}", narrowed)).status == 200
    assert [await status(world, f"/v1/sheets/{each}", token) for each in sheets] == [200, 404]
    await world.call("DELETE", f"/v1/guests/{guest['id']}?spaceId={space}")
    assert await status(world, f"/v1/sheets/{sheets[0]}", token) == 401
    assert [a["action"] for a in await world.audits("guest:narrow")] == ["guest:narrow"]


async def test_an_invitation_takes_two_mails_and_the_second_signs_in_once(world: World, mailbox: Mailbox) -> None:
    space = await make_space(world)
    guest = await make_guest(world, space)
    invite = {"guestId": guest["id"], "spaceId": space, "fromName": "Grace", "message": "Please look\nat <this>."}
    assert (await world.call("POST", "/v1/invitations", [invite])).body == {"data": {"success": True}}
    await deliver(world)
    assert mailbox.messages[0]["To"] == "ada@example.com"
    assert "Grace invites you" in mailbox.text()
    assert "at &lt;this&gt;." in mailbox.html()
    entry = link_in(mailbox.text())
    clicked = (await exchange(world, token=entry)).data
    assert clicked == {"valid": False, "sentTo": "a…@example.com"}
    await deliver(world)
    assert len(mailbox.messages) == 2
    login = link_in(mailbox.text())
    signed_in = (await exchange(world, token=login)).data
    assert signed_in["valid"] is True
    assert await status(world, f"/v1/spaces/{space}", signed_in["token"]) == 200
    seen = (await world.call("GET", f"/v1/guests/{guest['id']}")).data["spaces"][0]
    assert seen["lastAccessed"].startswith("2027")
    assert (await exchange(world, token=login)).data["valid"] is False, "a link signs in once"
    world.clock.advance(2 * MINUTE)
    await exchange(world, token=entry)
    await deliver(world)
    late = link_in(mailbox.text())
    world.clock.advance(16 * MINUTE)
    lapsed = (await exchange(world, token=late)).data
    assert (lapsed["valid"], lapsed["sentTo"]) == (False, "a…@example.com")
    await deliver(world)
    assert (await exchange(world, token=link_in(mailbox.text()))).data["valid"] is True, "a lapsed link brings another"
    for token in (entry, login, signed_in["token"]):
        assert token not in repr(await world.audits())
    assert len(await world.audits("guest:sign-in")) == 2


async def test_a_guest_stays_signed_in_while_active_and_for_an_hour_otherwise(world: World) -> None:
    space = await make_space(world)
    token = await token_of(world, await make_guest(world, space), space)
    for _ in range(3):
        world.clock.advance(50 * MINUTE)
        fresh = (await exchange(world, token=token)).data
        assert fresh["valid"] is True
        assert fresh["token"] != token
        token = fresh["token"]
    world.clock.advance(HOUR + 1)
    assert await status(world, f"/v1/spaces/{space}", token) == 401
    assert (await exchange(world, token=token)).data == {"valid": False, "sentTo": "a…@example.com"}


async def test_a_session_ends_a_week_after_the_sign_in(world: World) -> None:
    space = await make_space(world)
    token = await token_of(world, await make_guest(world, space), space)
    days = 0
    while True:
        world.clock.advance(HOUR - MINUTE)
        renewed = (await exchange(world, token=token)).data
        if not renewed["valid"]:
            break
        token, days = renewed["token"], days + 1
    assert days == 7 * 24 * 60 // 59


async def test_removal_is_final(world: World, mailbox: Mailbox) -> None:
    space = await make_space(world)
    guest = await make_guest(world, space)
    await world.call("POST", "/v1/invitations", [{"guestId": guest["id"], "spaceId": space}])
    await deliver(world)
    entry = link_in(mailbox.text())
    await exchange(world, token=entry)
    await deliver(world)
    login, token = link_in(mailbox.text()), await token_of(world, guest)
    everywhere = await token_of(world, guest, space)
    assert (await world.call("DELETE", f"/v1/guests/{guest['id']}")).status == 200
    again = await make_guest(world, space)
    assert again["id"] != guest["id"]
    for each in (token, everywhere):
        assert await status(world, f"/v1/spaces/{space}", each) == 401
    for each in (entry, login, token):
        assert (await exchange(world, token=each)).data == {"valid": False}
    await world.call("DELETE", f"/v1/guests/{again['id']}?spaceId={space}")
    invited = await world.call("POST", "/v1/invitations", [{"guestId": again["id"], "spaceId": space}])
    assert invited.status == 200, "an invitation lets in anew"
    assert (await world.call("GET", f"/v1/guests/{again['id']}")).data["spaces"] == [{"id": space}]


async def test_another_address_ends_what_the_old_one_had(world: World, mailbox: Mailbox) -> None:
    space = await make_space(world)
    guest = await make_guest(world, space)
    await world.call("POST", "/v1/invitations", [{"guestId": guest["id"], "spaceId": space}])
    await deliver(world)
    entry, token = link_in(mailbox.text()), await token_of(world, guest)
    assert (await world.call("PATCH", f"/v1/guests/{guest['id']}", {"email": "new@example.com"})).status == 200
    assert await status(world, f"/v1/spaces/{space}", token) == 401
    assert (await exchange(world, token=entry)).data == {"valid": False}
    await make_guest(world, email="taken@example.com")
    taken = await world.call("PATCH", f"/v1/guests/{guest['id']}", {"email": "Taken@example.com"})
    assert (taken.status, taken.error["key"]) == (409, "email")


async def test_known_and_unknown_addresses_get_the_same_answer_and_only_the_known_one_a_mail(
    world: World, mailbox: Mailbox
) -> None:
    space = await make_space(world)
    await make_guest(world, space)
    replies = {
        email: (await exchange(world, email=email, spaceId=where)).body
        for email, where in (("ada@example.com", space), ("eve@example.com", space), ("ada@example.org", "us_sp_none"))
    }
    assert replies == {email: {"data": {"valid": False, "sentTo": email}} for email in replies}
    assert len(await rows(world, guest_link_requests)) == 3
    await deliver(world)
    assert [message["To"] for message in mailbox.messages] == ["ada@example.com"]
    assert (await exchange(world, token=link_in(mailbox.text()))).data["valid"] is True
    await exchange(world, email="ada@example.com", spaceId=space)
    await deliver(world)
    assert len(mailbox.messages) == 1, "one mail a minute, however often it is asked for"


async def rows(world: World, table: Any) -> list[Any]:
    return await world.db.read(lambda uow: uow.fetch_all(select(table)))


async def test_a_space_s_address_lets_anybody_in_where_shared_links_are_a_way_in(world: World) -> None:
    space = await make_space(world)
    joined = (await exchange(world, spaceId=space)).data
    assert joined["valid"] is True
    assert await status(world, f"/v1/spaces/{space}", joined["token"]) == 200
    (guest,) = (await world.call("GET", f"/v1/guests?spaceId={space}")).data
    assert (guest["name"], guest["email"]) == ("Guest", "")
    assert (await exchange(world, token=joined["token"])).data["valid"] is True
    await world.call("PATCH", f"/v1/spaces/{space}", {"guestAuthentication": ["magic_link"]})
    assert (await exchange(world, spaceId=space)).data == {"valid": False}
    assert (await exchange(world, token=joined["token"])).data == {"valid": False}, "no longer renewed"
    assert (await exchange(world, spaceId="us_sp_none")).data == {"valid": False}
    world.clock.advance(DAY + MINUTE)
    assert await world.db.write(sweep_guests) is False
    assert await rows(world, guests) == []
    assert len(await world.audits("guest:forget")) == 1


@pytest.mark.parametrize(
    ("environment", "space", "shared", "mailed"),
    [
        (None, None, True, True),
        (["magic_link"], None, False, True),
        (["shared_link"], None, True, False),
        (["shared_link"], ["magic_link"], False, True),
        (["magic_link"], ["shared_link"], True, False),
    ],
)
async def test_a_space_s_ways_in_come_before_its_environment_s(
    silent: World, environment: Any, space: Any, shared: bool, mailed: bool
) -> None:
    if environment is not None:
        change = {"guestAuthentication": environment}
        assert (await silent.call("PATCH", f"/v1/environments/{silent.dev}", change)).status == 200
    made = await make_space(silent, **({} if space is None else {"guestAuthentication": space}))
    assert (await exchange(silent, spaceId=made)).data["valid"] is shared
    guest = await make_guest(silent, made)
    invited = await silent.call("POST", "/v1/invitations", [{"guestId": guest["id"], "spaceId": made}])
    assert invited.status == (200 if mailed else 409), invited.body


async def test_without_a_mail_server_the_inviter_is_handed_a_link_that_signs_in_once(silent: World) -> None:
    space = await make_space(silent)
    guest = await make_guest(silent, space)
    reply = await silent.call("POST", "/v1/invitations", [{"guestId": guest["id"], "spaceId": space}])
    assert reply.headers["cache-control"] == "no-store"
    (handed,) = reply.data["links"]
    assert (reply.data["success"], handed["guestId"], handed["spaceId"]) == (True, guest["id"], space)
    token = link_in(handed["link"])
    silent.clock.advance(6 * DAY)
    assert (await exchange(silent, token=token)).data["valid"] is True
    assert (await exchange(silent, token=token)).data == {"valid": False}
    assert (await exchange(silent, email="ada@example.com", spaceId=space)).data == {"valid": False}
    assert await rows(silent, mails) == []


async def test_guests_invite_guests_where_the_space_lets_them(silent: World) -> None:
    space = await make_space(silent)
    token = await token_of(silent, await make_guest(silent, space), space)
    friend = [{"environmentId": silent.dev, "email": "f@example.com", "name": "Friend", "spaces": [{"id": space}]}]
    for method, path, body in (
        ("GET", f"/v1/guests?spaceId={space}", None),
        ("POST", "/v1/guests", friend),
    ):
        assert await status(silent, path, token, method, body) == 403
    shown = {"metadata": {"sidebarConfig": {"showGuestInvite": True}}}
    await silent.call("PATCH", f"/v1/spaces/{space}", shown)
    made = await silent.call("POST", "/v1/guests", friend, token=token)
    assert made.status == 200, made.body
    invite = [{"guestId": made.data[0]["id"], "spaceId": space}]
    assert await status(silent, "/v1/invitations", token, "POST", invite) == 200
    assert len((await silent.call("GET", f"/v1/guests?spaceId={space}", token=token)).data) == 2
    other = await make_space(silent, "Depot", **shown)
    elsewhere = [{**friend[0], "spaces": [{"id": other}]}]
    assert await status(silent, "/v1/guests", token, "POST", elsewhere) == 404
    path = f"/v1/guests/{made.data[0]['id']}"
    for method, where, body in (("PATCH", path, {"name": "X"}), ("DELETE", path, None), ("GET", f"{path}/token", None)):
        assert await status(silent, where, token, method, body) == 403
    event = (await silent.events("space:guestAdded"))[-1]
    assert '"guestId"' in event["payload"]


async def test_a_page_s_user_is_one_guest_in_every_space_begun_for_them(silent: World) -> None:
    async def begin(external: str) -> dict[str, Any]:
        path = f"/v1/internal/spaces/init?publishableKey={silent.pk}"
        reply = await silent.call("POST", path, {"space": {"name": "S"}, "externalActorId": external}, token="")
        assert reply.status == 200, reply.body
        return dict(reply.data)

    first, second, other = [await begin(name) for name in ("user-7", "user-7", "user-8")]
    assert first["actor"] == {"id": first["actor"]["id"], "type": "guest", "externalId": "user-7"}
    assert second["actor"] == first["actor"]
    assert other["actor"]["id"] != first["actor"]["id"]
    guest = (await silent.call("GET", f"/v1/guests/{first['actor']['id']}")).data
    assert {each["id"] for each in guest["spaces"]} == {first["space"]["id"], second["space"]["id"]}


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"email": "nobody"}, "[0].email"),
        ({"email": "a@b.c\r\nBcc: d@e.f"}, "[0].email"),
        ({"name": ""}, "[0].name"),
        ({"name": "x" * 256}, "[0].name"),
        ({"name": "a\x07"}, "[0].name"),
        ({"spaces": [{"id": "us_sp_none"}]}, "spaceId"),
        ({"spaces": [{"id": "SPACE", "workbooks": []}]}, "[0].spaces[0].workbooks"),
        ({"spaces": [{"id": "SPACE", "workbooks": [{"id": "us_wb_none"}]}]}, "workbookId"),
        ({"spaces": None}, "[0].spaces"),
        ({"environmentId": "us_env_none", "spaces": []}, "environmentId"),
    ],
)
async def test_what_a_guest_cannot_be_is_said(silent: World, change: dict[str, Any], key: str) -> None:
    space = await make_space(silent)
    config = {"environmentId": silent.dev, "email": "a@b.c", "name": "A", "spaces": [{"id": space}], **change}
    if config["spaces"] and config["spaces"][0]["id"] == "SPACE":
        config["spaces"] = [{**config["spaces"][0], "id": space}]
    reply = await silent.call("POST", "/v1/guests", [config])
    assert (reply.status in {400, 404}, reply.error["key"]) == (True, key), reply.body


async def test_an_exchange_needs_something_to_exchange(silent: World) -> None:
    for body in ({}, {"email": "a@b.c"}, {"email": "nobody", "spaceId": "x"}):
        assert (await exchange(silent, **body)).status == 400
    for token in ("x", "gst_", "gst_a.b.c.d.e.f", "gel_é", "glk_x", "spt_x", "gst_a", "x" * 5_000):
        assert (await exchange(silent, token=token)).data == {"valid": False}


async def test_an_exposed_token_ends_every_token_and_link_of_its_guest(silent: World) -> None:
    space = await make_space(silent)
    guest = await make_guest(silent, space)
    invited = await silent.call("POST", "/v1/invitations", [{"guestId": guest["id"], "spaceId": space}])
    link, tokens = (
        link_in(invited.data["links"][0]["link"]),
        [await token_of(silent, guest), await token_of(silent, guest)],
    )
    assert [found.kind for found in find_tokens(f"a {tokens[0]} b {link}".encode())] == [
        "guest token",
        "guest sign-in link",
    ]
    report = [Report(tokens[0], "", "")]
    assert await revoke_exposed(silent.db, report, Reporter.ANYONE) == [True]
    assert [await status(silent, f"/v1/spaces/{space}", each) for each in tokens] == [401, 401]
    assert (await exchange(silent, token=link)).data == {"valid": False}
    assert len(await silent.audits("guest:end-tokens")) == 1
