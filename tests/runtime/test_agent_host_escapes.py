"""What a hosted program tries in order to get out. Each attempt is refused, and an untouched agent goes on."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from runtime.agent_world import World, event, program, running_world
from sheetport.runtime.agent_host import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Attempts by name: JavaScript that returns what it got hold of, and throws or returns nothing when it is refused.
#: ``at`` holds paths and ports of what must not be reached.
ATTEMPTS = {
    "passwd": "fs.readFileSync('/etc/passwd', 'utf8')",
    "shadow by deno": "await Deno.readTextFile('/etc/shadow')",
    "the data directory": "fs.readFileSync(at.secret, 'utf8')",
    "a listing of the data directory": "fs.readdirSync(at.folder).join()",
    "the root of the machine": "fs.readdirSync('/').join()",
    "the environment in proc": "fs.readFileSync('/proc/self/environ', 'utf8')",
    "the parent's environment": "fs.readFileSync(`/proc/${process.ppid}/environ`, 'utf8')",
    "the first process's root": "fs.readdirSync('/proc/1/root').join()",
    "another agent's program": "fs.readFileSync(at.other, 'utf8')",
    "a link out of the temporary folder": "fs.symlinkSync(at.secret, '/tmp/a'), fs.readFileSync('/tmp/a', 'utf8')",
    "a path with dots": "fs.readFileSync('/agent/../etc/passwd', 'utf8')",
    "writing outside": "fs.writeFileSync(at.written, 'x'), 'written'",
    "changing its own program": "fs.writeFileSync('/agent/agent.cjs', 'x'), 'written'",
    "changing its names": "fs.appendFileSync('/etc/hosts', '127.0.0.1 x'), 'written'",
    "metadata by fetch": "await (await fetch('http://169.254.169.254/latest/meta-data/')).text()",
    "metadata by node:http": "await asked('http://169.254.169.254/latest/meta-data/')",
    "metadata by its allowed name": "await (await fetch('http://metadata.example/')).text()",
    "a private address by fetch": "await (await fetch('http://10.0.0.7/')).text()",
    "a private address by its allowed name": "await (await fetch('http://private.example/')).text()",
    "another port of loopback by fetch": "await (await fetch(`http://127.0.0.1:${at.canary}/`)).text()",
    "another port of loopback by node:http": "await asked(`http://127.0.0.1:${at.canary}/`)",
    "another port of loopback by net": "await connected(net.connect(at.canary, '127.0.0.1'))",
    "another port of loopback by tls": "await connected(tls.connect(at.canary, '127.0.0.1'))",
    "loopback by its allowed name": "await connected(net.connect(80, 'loopback.example'))",
    "an address of this machine": "await connected(net.connect(at.canary, at.address))",
    "IPv6 loopback": "await connected(net.connect(at.canary, '::1'))",
    "a name that is not allowed": "await (await fetch('http://example.com/')).text()",
    "an allowed host's other port": "await connected(net.connect(at.canary, 'hooks.example'))",
    "a local socket": "await connected(net.connect(at.socket))",
    "a datagram": "await datagram()",
    "a command by node": "require('node:child_process').execSync('id').toString()",
    "a command by deno": "new Deno.Command('/bin/deno', { args: ['--version'] }).outputSync().stdout.length",
    "a native library": "Deno.dlopen(at.library, { getuid: { parameters: [], result: 'i32' } }).symbols.getuid()",
    "a native module": "process.dlopen({ exports: {} }, at.library), 'loaded'",
    "a signal to its parent": "process.kill(process.ppid, 'SIGTERM'), 'sent'",
    "a signal to everybody": "process.kill(-1, 'SIGTERM'), 'sent'",
    "code from the network": "await import('https://deno.land/std/version.ts')",
    "a worker with more rights": "await worked(`self.postMessage(Deno.readTextFileSync('/etc/passwd'))`)",
    "the permissions themselves": "(await Deno.permissions.request({ name: 'run' })).state === 'granted' && 'granted'",
    "more rights by deno's inside": "Deno[Deno.internal].core.ops.op_fs_read_file_sync('/etc/passwd', 0)",
}
#: What a program may do, by the same means: this shows that the attempts above could succeed.
ALLOWED = {
    "its own program": "fs.readFileSync('/agent/agent.cjs', 'utf8').length",
    "a temporary file": "fs.writeFileSync('/tmp/mine', 'mine'), fs.readFileSync('/tmp/mine', 'utf8')",
    "this server by fetch": "await (await fetch(`${process.env.AGENT_INTERNAL_URL}/v1/x`)).text()",
    "this server by node:http": "await asked(`${process.env.AGENT_INTERNAL_URL}/v1/x`)",
    "a worker": "await worked(`self.postMessage('from a worker')`)",
}
#: These would not fail at once.
_TRY = """
const fs = require('node:fs'), net = require('node:net'), tls = require('node:tls'), http = require('node:http')
const late = () => new Promise((_, fail) => setTimeout(() => fail(new Error('no answer')), 400))
const soon = (work) => Promise.race([work, late()])
const connected = (socket) => soon(new Promise((done, fail) => {
  socket.on('data', (data) => done(String(data))).on('end', () => done('')).on('error', fail)
  socket.write('GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')
}))
const asked = (url) => soon(new Promise((done, fail) => {
  http.get(url, (response) => response.on('data', (data) => done(String(data)))).on('error', fail)
}))
const worked = (text) => soon(new Promise((done, fail) => {
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(text)}`, { type: 'module' })
  worker.onmessage = ({ data }) => { done(data); worker.terminate() }
  worker.onerror = (event) => { event.preventDefault(); fail(new Error(event.message)) }
}))
let at
const datagram = () => soon(new Promise((done, fail) => {
  const socket = require('node:dgram').createSocket('udp4').on('error', fail)
  socket.send('hello', at.datagrams, '127.0.0.1', (error) => (error ? fail(error) : done(undefined)))
}))
exports.routeEvent = async (event) => {
  at = event.payload
  const results = {}
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      results[name] = String((await attempt()) || 'refused: nothing')
    } catch (error) {
      results[name] = `refused: ${error}`
    }
  }
  console.log(JSON.stringify(results))
}
"""


def trying(attempts: dict[str, str]) -> str:
    table = ",\n".join(f"{json.dumps(name)}: async () => ({code})" for name, code in attempts.items())
    return f"{_TRY}\nconst attempts = {{\n{table}\n}}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with running_world(tmp_path_factory.mktemp("escapes"), Limits(event_seconds=30)) as running:
        yield running


@pytest.fixture
def forbidden(world: World) -> Iterator[dict[str, object]]:
    """Things outside that everybody on this machine may use; the datagram socket stays empty."""
    folder = world.folder / "data"
    folder.mkdir()
    secret = folder / "secret"
    secret.write_text("the secret of the data directory")
    for each in (world.folder, folder, secret):
        each.chmod(0o777)
    local = str(folder / "local.sock")
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        listening.bind(local)
        listening.listen()
        datagrams.bind(("127.0.0.1", 0))
        datagrams.setblocking(False)
        yield {
            "secret": str(secret),
            "folder": str(folder),
            "written": str(folder / "written"),
            "canary": world.canary_port,
            "address": socket.gethostbyname(socket.gethostname()),
            "socket": local,
            "datagrams": datagrams.getsockname()[1],
            "library": next(each for each in os.listdir("/lib/x86_64-linux-gnu") if each.startswith("libc.so")),
        }
        with pytest.raises(BlockingIOError):
            datagrams.recv(10)
        assert not (folder / "written").exists()


async def test_every_attempt_is_refused_while_another_agent_goes_on(world: World, forbidden: dict[str, object]) -> None:
    other = "let n = 0; exports.routeEvent = async () => console.log(++n)"
    assert (await world.run(other, "us_ag_other")).log == "1"
    forbidden["other"] = str(next(world.folder.glob("agents/slots/*/agent/agent.cjs")))
    assert Path(str(forbidden["other"])).read_text()
    hosts = ("hooks.example", "private.example", "loopback.example", "metadata.example")
    outcome = await world.host.run(program(trying(ATTEMPTS), "us_ag_escape", hosts=hosts), event(**forbidden))
    assert outcome.state == "done", outcome
    results = json.loads(next(line for line in outcome.log.splitlines() if line.startswith("{")))
    assert results.keys() == ATTEMPTS.keys()
    assert {name: got for name, got in results.items() if not got.startswith("refused: ")} == {}
    assert world.arrived == []
    assert "private.example is not in the public internet; if it is yours: sheetport egress allow" in outcome.log
    again = await world.run(other, "us_ag_other")
    assert (again.log, again.cold) == ("2", False)


async def test_what_is_allowed_works_by_the_same_means(world: World) -> None:
    outcome = await world.run(trying(ALLOWED), "us_ag_allowed")
    results = json.loads(outcome.log)
    assert results.keys() == ALLOWED.keys()
    assert [name for name, got in results.items() if got.startswith("refused: ")] == []
