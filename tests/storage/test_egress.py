"""Calls of this server to others: nothing private is reached unless it is allowed, by whatever name and trick.

A hit is any connection that this process tries to open, seen by the interpreter's own audit events.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from servers.data_places import DataPlace
from sheetport.config import StorageSettings
from sheetport.features.accounts import service as accounts
from sheetport.features.egress import service as egress
from sheetport.features.egress.model import EgressFailed, EgressRefused, allowed_by, parse_target
from sheetport.features.egress.service import Egress, KeptCalls, keeping
from sheetport.features.egress.service.calling import resolve
from sheetport.features.environments import service as environments
from sheetport.features.environments.model import EnvironmentChange
from sheetport.kernel.actor import Actor, ActorKind, system_actor
from sheetport.kernel.addresses import parse_address
from sheetport.kernel.clock import FakeClock
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.errors import Forbidden, Invalid, NotFound
from sheetport.storage.engine import open_database
from sheetport.storage.migrations.runner import upgrade
from sheetport.storage.tables.audit import audit_records
from sheetport.storage.unit_of_work import Database, UnitOfWork

#: Hosts as they may stand in an address: loopback and private ones, however they are spelt.
HOSTS = [
    # Plain, and each other way in which the C library reads four bytes.
    *("127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "127.255.255.254", "2130706433", "017700000001", "0x7f000001"),
    *("0177.0.0.1", "0177.0.0.01", "0x7f.0.0.1", "0x7f.1", "0x7F.0x0.0x0.0x1", "127.0.0.0x1", "00000177.0.0.1"),
    *("0.0.0.0", "0", "00", "0x0", "0.0", "10.0.0.1", "167772161", "0x0a000001", "012.0.0.1", "172.16.0.1"),
    *("192.168.0.1", "3232235521", "0xc0a80001", "0300.0250.0.1", "169.254.1.1", "100.64.0.1", "198.18.0.1"),
    *("224.0.0.1", "255.255.255.255", "240.0.0.1"),
    # IPv6, with IPv4 inside and without.
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]"),
    *("[::ffff:10.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]"),
    *("[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fc00::1]", "[fd00::1]", "[fe80::1]", "[fe80::1%25lo]", "[fec0::1]"),
    *("[ff02::1]", "[::1%25lo]", "[100::1]"),
    # Names, and what becomes a name or an address by the rules of international names.
    *("localhost", "LOCALHOST", "localhost.", "127.0.0.1.", "127。0。0。1", "127.0.0。1"),
    *("①②⑦.⓪.⓪.①", "１２７.０.０.１", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "loc\u00adalhost", "127\uff0e0\uff0e0\uff0e1", "%31%32%37.0.0.1"),  # noqa: RUF001
    # Users and passwords that look like hosts, and what parsers disagree about.
    *("example.com@127.0.0.1", "example.com:80@127.0.0.1", "example.com%2f@127.0.0.1", "@127.0.0.1", ":@127.0.0.1"),
    *("127.0.0.1\\@example.com", "127.0.0.1#@example.com", "127.0.0.1?@example.com", "127.0.0.1%00.example.com"),
    *("127.0.0.1\t", " 127.0.0.1", "127.0.0.1%20", "127.0.0.1\r\nHost: x", "[::1].example.com", "[127.0.0.1]", "["),
    # Metadata services.
    *("169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "[::ffff:169.254.169.254]"),
    *("[fd00:ec2::254]", "100.100.100.200", "192.0.0.192", "168.63.129.16", "169.254.170.2"),
]
tries: list[Any] = []
_listening: list[bool] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _listening and event == "socket.connect" and arguments[0].family in {socket.AF_INET, socket.AF_INET6}:
        tries.append(arguments[1])


sys.addaudithook(_hear)


@pytest.fixture
def hits() -> Iterator[list[Any]]:
    """Every connection that is tried while this fixture is there."""
    tries.clear()
    _listening.append(True)
    yield tries
    _listening.clear()


class Peer:
    """A server that tells which Host header it was called by; ``answer`` is what it sends, as it is."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
        self.port = 0
        #: Seconds before it answers, unless the caller goes away.
        self.pause = 0.0
        #: Whether it keeps connections, over which bodies of two bytes come.
        self.stays = False

    async def on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                self.heard.append(await reader.readuntil(b"\r\n\r\n"))
                if self.stays:
                    await reader.readexactly(2)
                else:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(reader.read(), self.pause)
                writer.write(self.answer)
                await writer.drain()
                if not self.stays:
                    break
        writer.close()


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """On every address of this machine, so that whatever leads here is heard."""
    made = Peer()
    server = await asyncio.start_server(made.on_connection, "0.0.0.0")
    made.port = server.sockets[0].getsockname()[1]
    six = await asyncio.start_server(made.on_connection, "::1", made.port)
    yield made
    for each in (server, six):
        each.close()
        await each.wait_closed()


class Account:
    """An account with an environment, and a client that calls for it; ``names`` are resolved as they say."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.names: dict[str, list[list[str]]] = {}
        self.id = self.environment = ""
        self.egress = Egress(db, resolver=self._resolve)
        self.kept = KeptCalls(self.egress)

    async def furnish(self) -> None:
        async def work(uow: UnitOfWork) -> None:
            self.id = (await accounts.create_account(uow, "account")).id
            made = await environments.create_environment(uow, system_actor(self.id), EnvironmentChange("one", False))
            self.environment = made.id

        await self.db.write(work)

    async def _resolve(self, host: str, port: int) -> list[str]:
        answers = self.names.get(host)
        if answers is None:
            return await resolve(host, port)
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def call(self, url: str, **more: Any) -> Any:
        return await self.egress.call("GET", url, account_id=self.id, **({"seconds": 5.0} | more))

    async def post(self, url: str, **more: Any) -> Any:
        """A call over connections that are kept."""
        told = {"headers": {}, "content": b"{}", "seconds": 5.0, "limit": 100} | more
        return await self.kept.post(url, account_id=self.id, environment_id=self.environment, **told)

    async def allow(self, target: str, environment_id: str | None = None) -> str:
        return await self.db.write(lambda uow: egress.allow_target(uow, system_actor(self.id), target, environment_id))

    async def remove(self, target: str, environment_id: str | None = None) -> str:
        return await self.db.write(lambda uow: egress.remove_target(uow, system_actor(self.id), target, environment_id))


@pytest.fixture
async def account(sqlite_place: DataPlace) -> AsyncIterator[Account]:
    """On SQLite, where every connection that is tried is a call's."""
    sqlite_place.data.mkdir()
    storage = StorageSettings(sqlite_place.data, sqlite_place.data.with_suffix(".key"))
    await asyncio.to_thread(upgrade, storage)
    db = await open_database(storage, KeyRing.generate(), FakeClock())
    made = Account(db)
    await made.furnish()
    yield made
    await made.kept.close()
    await db.close()


@pytest.fixture
async def on_both(db: Database) -> Account:
    made = Account(db)
    await made.furnish()
    return made


async def test_no_spelling_of_a_private_address_is_connected_to(account: Account, peer: Peer, hits: list[Any]) -> None:
    assert len(HOSTS) >= 60
    reached = []
    for host in HOSTS:
        url = f"http://{host}:{peer.port}/" if host.isprintable() else f"http://{host}/"
        with suppress(EgressRefused, EgressFailed):
            reached.append((host, await account.call(url)))
    assert (reached, hits, peer.heard) == ([], [], [])


async def test_kept_connections_are_guarded_alike(account: Account, peer: Peer, hits: list[Any]) -> None:
    reached = []
    for host in HOSTS:
        url = f"http://{host}:{peer.port}/" if host.isprintable() else f"http://{host}/"
        with suppress(EgressRefused, EgressFailed):
            reached.append((host, await account.post(url)))
    account.names["mixed.example"] = [["93.184.216.34", "127.0.0.1"]]
    with pytest.raises(
        EgressRefused, match=f"sheetport egress allow mixed.example --environment {account.environment}"
    ):
        await account.post("http://mixed.example/")
    assert (reached, hits, peer.heard) == ([], [], [])


async def test_a_kept_connection_is_used_for_its_own_name_only_and_while_that_is_allowed(
    account: Account, peer: Peer, hits: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "LOOK_SECONDS", 0.0)
    peer.answer, peer.stays = b"HTTP/1.1 204 No Content\r\n\r\n", True
    account.names |= {"one.example": [["127.0.0.2"]], "two.example": [["127.0.0.2"]]}
    for name in ("one.example", "two.example"):
        await account.allow(name, account.environment)
    one, two = (f"http://{name}:{peer.port}/hook?a=b" for name in ("one.example", "two.example"))
    for url in (one, one, two, one, two):
        assert (await account.post(url, headers={"x-one": "1"})).status == 204
    assert len(hits) == 2, "one connection a name"
    assert [b"host: one.example" in each.lower() for each in peer.heard] == [True, True, False, True, False]
    assert all(each.startswith(b"POST /hook?a=b HTTP/1.1\r\n") for each in peer.heard)
    account.names["one.example"] = [["127.0.0.3"]]
    assert (await account.post(one)).status == 204
    assert [each[0] for each in hits] == ["127.0.0.2", "127.0.0.2", "127.0.0.3"], "the name leads elsewhere now"
    await account.remove("one.example", account.environment)
    with pytest.raises(EgressRefused):
        await account.post(one)
    assert len(peer.heard) == 6


async def test_the_same_spellings_reach_this_machine_without_the_guard(peer: Peer, hits: list[Any]) -> None:
    """So that the test above can fail: a plain client is led here by many of them."""
    led = 0
    async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
        for host in ("127.0.0.1", "127.1", "2130706433", "0x7f.1", "0x7f000001", "[::ffff:127.0.0.1]", "0.0.0.0"):
            led += (await client.get(f"http://{host}:{peer.port}/")).status_code == 200
    assert (led, len(hits) >= led) == (7, True)


async def test_what_is_no_plain_web_address_is_refused(account: Account, hits: list[Any]) -> None:
    for url in (
        *("ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "unix:///run/x.sock", "//127.0.0.1/", "x"),
        *("", "http://", "http:///x", "javascript:alert(1)", "data:,x", "http://u:p@example.com/", "\0"),
        "http://example.com/" + "x" * 5_000,
    ):
        with pytest.raises(EgressRefused, match="plain http"):
            await account.call(url)
    assert hits == []


async def test_a_refusal_names_the_command_and_not_the_address(account: Account) -> None:
    account.names["hooks.example.internal"] = [["10.9.8.7"]]
    with pytest.raises(EgressRefused, match=r"sheetport egress allow hooks\.example\.internal") as refused:
        await account.call("http://hooks.example.internal/hook?key=secret")
    assert "10.9.8.7" not in refused.value.message
    assert "secret" not in refused.value.message


async def test_one_private_address_among_public_ones_refuses_the_name(account: Account, hits: list[Any]) -> None:
    account.names["mixed.example"] = [["93.184.216.34", "127.0.0.1"]]
    with pytest.raises(EgressRefused):
        await account.call("http://mixed.example/")
    assert hits == []


async def test_a_name_that_resolves_otherwise_a_moment_later_is_called_where_it_was_looked_at(
    account: Account, peer: Peer, hits: list[Any]
) -> None:
    await account.allow("127.0.0.2")
    account.names["rebinding.example"] = [["127.0.0.2"], ["127.0.0.1"]]
    url = f"http://rebinding.example:{peer.port}/"
    assert (await account.call(url)).status == 200
    with pytest.raises(EgressRefused):
        await account.call(url)
    assert [each[0] for each in hits if each[1] == peer.port] == ["127.0.0.2"]


async def test_no_redirect_is_followed(account: Account, peer: Peer, hits: list[Any]) -> None:
    await account.allow("127.0.0.3")
    places = ("http://127.0.0.1:{}/", "http://169.254.169.254/latest/meta-data/", "//[::1]:{}/", "/again")
    for place in places:
        moved = f"HTTP/1.1 302 Found\r\nLocation: {place.format(peer.port)}\r\nContent-Length: 0\r\n\r\n"
        peer.answer = moved.encode()
        assert (await account.call(f"http://127.0.0.3:{peer.port}/")).status == 302
    assert [each[0] for each in hits] == ["127.0.0.3"] * len(places)


#: What is allowed, and as what it is called then.
PRIVATE_TARGETS = [
    ("127.0.0.1", "127.0.0.1"),
    ("127.0.0.1", "2130706433"),
    ("127.0.0.0/8", "127.9.9.9"),
    ("LOCALHOST.", "localhost"),
    ("::1", "[::1]"),
    ("::1/128", "[0:0:0:0:0:0:0:1]"),
    ("hooks.example.internal", "hooks.example.internal"),
    ("hooks.example.internal", "HOOKS.example.internal."),
    ("127.0.0.4", "hooks.example.internal"),
    ("127.0.0.0/24", "localhost"),
]


async def test_every_allowed_private_target_is_delivered(account: Account, peer: Peer) -> None:
    for name in ("hooks.example.internal", "hooks.example.internal."):
        account.names[name] = [["127.0.0.4"]]
    account.names["localhost"] = [["127.0.0.1"]]
    for target, host in PRIVATE_TARGETS:
        stored = await account.allow(target)
        answer = await account.call(f"http://{host}:{peer.port}/hook", headers={"Host": "other.example", "X-One": "1"})
        assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"hello", "5"), host
        assert b"other.example" not in peer.heard[-1]
        assert f"host: {host.lower()}:{peer.port}\r\n".encode() in peer.heard[-1].lower()
        assert b"x-one: 1\r\n" in peer.heard[-1].lower()
        await account.remove(stored)
        with pytest.raises(EgressRefused):
            await account.call(f"http://{host}:{peer.port}/hook")
    assert len(peer.heard) == len(PRIVATE_TARGETS)


async def test_an_allowance_of_an_environment_is_no_other_callers(on_both: Account, peer: Peer) -> None:
    await on_both.allow("127.0.0.1", on_both.environment)
    url = f"http://127.0.0.1:{peer.port}/"
    assert (await on_both.call(url, environment_id=on_both.environment)).status == 200
    for whose in (None, "us_env_other"):
        with pytest.raises(EgressRefused):
            await on_both.call(url, environment_id=whose)
    with pytest.raises(EgressRefused):
        await on_both.egress.call("GET", url, account_id="us_acc_other", environment_id=on_both.environment)
    await on_both.remove("127.0.0.1", on_both.environment)
    with pytest.raises(EgressRefused):
        await on_both.call(url, environment_id=on_both.environment)


async def test_a_network_does_not_open_a_metadata_service(account: Account, hits: list[Any]) -> None:
    account.names["metadata.google.internal"] = [["169.254.169.254"]]
    for target in ("169.254.0.0/16", "100.64.0.0/10", "fd00::/16"):
        await account.allow(target)
    for host in ("169.254.169.254", "100.100.100.200", "[fd00:ec2::254]", "metadata.google.internal", "0xa9fea9fe"):
        with pytest.raises(EgressRefused):
            await account.call(f"http://{host}/")
    assert hits == []


def test_a_metadata_service_is_opened_by_its_exact_name_or_address_only() -> None:
    """Asked of the rule itself: a test must not call what may really be there."""
    service = parse_address("169.254.169.254")
    by_name, by_address = allowed_by(["metadata.google.internal"]), allowed_by(["169.254.169.254"])
    assert by_name.permits("metadata.google.internal", service)
    assert not by_name.permits("other.example", service)
    assert by_address.permits("169.254.169.254", service)
    assert not by_address.permits("metadata.google.internal", service)
    assert not by_address.permits("2852039166", service)


async def test_hosts_of_the_servers_own_settings_are_trusted(account: Account, peer: Peer) -> None:
    trusting = Egress(account.db, trusted=("127.0.0.1",))
    answer = await trusting.call("POST", f"http://127.0.0.1:{peer.port}/", account_id=account.id, content=b"{}")
    assert answer.status == 200


async def test_time_and_size_are_bounded(account: Account, peer: Peer) -> None:
    await account.allow("127.0.0.1")
    url = f"http://127.0.0.1:{peer.port}/"
    peer.answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 5_000
    with pytest.raises(EgressFailed, match="longer than 4,000 bytes"):
        await account.call(url, limit=4_000)
    peer.answer = b""
    with pytest.raises(EgressFailed, match="broke off"):
        await account.call(url)
    peer.pause = 5.0
    with pytest.raises(EgressFailed, match=r"within 0\.2 seconds"):
        await account.call(url, seconds=0.2)
    account.names["nowhere.example"] = [[]]
    with pytest.raises(EgressFailed, match="cannot be connected to"):
        await account.call("http://nowhere.example/")


async def test_allowing_is_the_operators_and_is_recorded(on_both: Account) -> None:
    user = Actor(ActorKind.USER, "us_usr_1", on_both.id, "t")
    with pytest.raises(Forbidden, match="sheetport egress"):
        await on_both.db.write(lambda uow: egress.allow_target(uow, user, "127.0.0.1"))
    with pytest.raises(NotFound):
        await on_both.allow("127.0.0.1", "us_env_other")
    assert await on_both.allow("10.1.0.0/16") == "10.1.0.0/16"
    assert await on_both.allow("10.1.0.0/16") == "10.1.0.0/16"
    await on_both.allow("[FD00::1]", on_both.environment)
    with pytest.raises(NotFound, match="egress list"):
        await on_both.remove("10.1.0.0/16", on_both.environment)
    listed = await on_both.db.read(lambda uow: egress.list_allowances(uow, system_actor(on_both.id)))
    assert [(each.target, each.environment_id) for each in listed] == [
        ("10.1.0.0/16", None),
        ("fd00::1", on_both.environment),
    ]
    await on_both.remove("10.1.0.0/16")
    rows = await on_both.db.read(lambda uow: uow.fetch_all(select(audit_records)))
    told = [(row["action"], row["target"], row["environment_id"]) for row in rows if row["action"][:6] == "egress"]
    assert sorted(told) == [
        ("egress:allow", "10.1.0.0/16", ""),
        ("egress:allow", "fd00::1", on_both.environment),
        ("egress:remove", "10.1.0.0/16", ""),
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("", "*", "*.example.com", "http://example.com", "example.com/path", "example.com:80", "10.1.2.3/16"),
        *("0.0.0.0/0", "10.0.0.0/7", "::/0", "127.1", "2130706433", "0x7f.1", "a b", "exämple.com", "x" * 300),
    ],
)
def test_what_is_no_target_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_target(text)
    assert refused.value.key == "target"
