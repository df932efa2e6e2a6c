"""A server, canaries that nobody may reach, and an agent host between them and programs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from sheetport.features.egress.model import Allowed
from sheetport.runtime.agent_host import AgentHost, Limits, Outcome, Program

TOKEN = "pk_0123456789abcdef_secret"
EVENT = {"id": "us_ev_1", "topic": "job:ready", "domain": "job", "context": {"environmentId": "us_env_1"}}
#: What the test's resolver says of names; everything else has no address.
ADDRESSES = {
    "hooks.example": "127.0.0.1",
    "private.example": "10.0.0.7",
    "loopback.example": "127.0.0.1",
    "metadata.example": "169.254.169.254",
}


def program(
    source: str,
    agent: str = "us_ag_one",
    *,
    version: int = 1,
    space: str | None = None,
    hosts: tuple[str, ...] = (),
    compiler: str = "js",
    token: str = TOKEN,
) -> Program:
    return Program(agent, version, space, "us_env_1", source.encode(), compiler, token, hosts)


def event(**payload: object) -> bytes:
    return json.dumps({**EVENT, "payload": payload}).encode()


#: Calls this server and an allowed host by each client that JavaScript has.
CLIENTS = """
const http = require('node:http'), https = require('node:https')
const net = require('node:net'), tls = require('node:tls')
const whole = (stream) => new Promise((done, fail) => {
  let text = ''
  stream.on('data', (data) => (text += data)).on('end', () => done(text)).on('error', fail)
})
const answered = (request) => new Promise((done, fail) => {
  request.on('response', (response) => whole(response).then(done, fail)).on('error', fail).end()
})
const ask = (socket) => { socket.write('GET /raw HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'); return whole(socket) }
exports.routeEvent = async ({ payload: { plain, secure } }) => {
  const own = process.env.AGENT_INTERNAL_URL, headers = { Authorization: `Bearer ${process.env.FLATFILE_API_KEY}` }
  const answer = await fetch(`${own}/v1/x`, { headers: { ...headers, 'Keep-Alive': '5' } })
  console.log((await answer.json()).data.asked)
  console.log(await answered(http.request(`${own}/v1/y`)))
  console.log(await (await fetch(`http://hooks.example:${plain}/fetch`)).text())
  console.log(await answered(http.request(`http://hooks.example:${plain}/http`)))
  console.log(await ask(net.connect(plain, 'hooks.example')))
  console.log(await answered(https.request(`https://hooks.example:${secure}/https`, { rejectUnauthorized: false })))
  console.log(await ask(tls.connect(secure, 'hooks.example', { rejectUnauthorized: false })))
}
"""


@dataclass
class World:
    """The host, and what arrived where."""

    host: AgentHost
    folder: Path
    server_port: int
    #: Plain HTTP on all addresses of this machine that no program may reach, unless its name is allowed.
    canary_port: int
    tls_port: int
    arrived: list[bytes] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)

    async def run(self, source: str, agent: str = "us_ag_one", **payload: object) -> Outcome:
        return await self.host.run(program(source, agent), event(**payload))

    def pid(self, agent: str) -> int:
        """Of the agent's only process."""
        (place,) = [place for key, place in self.host._places.items() if key[0] == agent]
        assert place.process is not None
        return place.process._launched.pid


def resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no such process")


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


async def _resolve(host: str, port: int) -> list[str]:
    if host not in ADDRESSES:
        raise OSError("no such name")
    return [ADDRESSES[host]]


async def _permits(_: Program) -> Allowed:
    return Allowed(frozenset({"hooks.example"}))


def _answering(seen: list[bytes]) -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            seen.append(head)
            body = json.dumps({"data": {"asked": head.split(b"\r\n")[0].decode()}}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n")
            writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
        writer.close()

    return answer  # type: ignore[return-value]


@contextlib.asynccontextmanager
async def running_world(
    folder: Path, limits: Limits, certificate: tuple[Path, Path] | None = None, *, namespaces: bool = True
) -> AsyncIterator[World]:
    """A world with its host started, in a process that makes files for itself only, as the server is."""
    mask = os.umask(0o077)
    try:
        async with _running_world(folder, limits, certificate, namespaces=namespaces) as world:
            yield world
    finally:
        os.umask(mask)


@contextlib.asynccontextmanager
async def _running_world(
    folder: Path, limits: Limits, certificate: tuple[Path, Path] | None = None, *, namespaces: bool = True
) -> AsyncIterator[World]:
    arrived: list[bytes] = []
    asked: list[bytes] = []
    tls = None
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*certificate)
    server = await asyncio.start_server(_answering(asked), "127.0.0.1", 0)  # type: ignore[arg-type]
    canary = await asyncio.start_server(_answering(arrived), "0.0.0.0", 0)  # type: ignore[arg-type]
    secure = await asyncio.start_server(_answering(arrived), "127.0.0.1", 0, ssl=tls)  # type: ignore[arg-type]
    ports = [each.sockets[0].getsockname()[1] for each in (server, canary, secure)]
    host = AgentHost(folder / "agents", f"http://127.0.0.1:{ports[0]}", limits, resolver=_resolve, permits=_permits)
    host._namespaces = namespaces
    try:
        await host.start()
        yield World(host, folder, *ports, arrived=arrived, asked=asked)
    finally:
        await host.close()
        for each in (server, canary, secure):
            each.close()


async def check_clients(world: World) -> None:
    """Every client of JavaScript reaches this server, with the token, and an allowed host."""
    hosts = (f"hooks.example:{world.canary_port}", f"hooks.example:{world.tls_port}")
    payload = {"plain": world.canary_port, "secure": world.tls_port}
    outcome = await world.host.run(program(CLIENTS, "us_ag_caller", hosts=hosts), event(**payload))
    assert outcome.state == "done", outcome
    asked = [head.split(b" ")[1].decode() for head in world.asked[-2:]]
    arrived = [
        head.split(b" ")[1].decode().partition("://")[2] or head.split(b" ")[1].decode() for head in world.arrived
    ]
    paths = [each[each.index("/") :] for each in arrived]
    assert (asked, paths) == (["/v1/x", "/v1/y"], ["/fetch", "/http", "/raw", "/https", "/raw"])
    assert f"Bearer {TOKEN}".encode() in world.asked[-2]
    assert f"hooks.example:{world.canary_port}".encode() in world.arrived[0]
    world.arrived.clear()
