"""Hosted Python: the same answers as hosted JavaScript, and a jail that needs no help from the language."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import pytest_asyncio

from runtime.agent_world import TOKEN, World, event, program, running_world
from sheetport.config import MEBIBYTE
from sheetport.runtime.agent_host import Limits, Outcome
from sheetport.runtime.agent_jail import probe

pytestmark = pytest.mark.asyncio(loop_scope="module")
LIMITS = Limits(event_seconds=20, cpu_seconds=3, memory_bytes=160 * MEBIBYTE, temporary_bytes=8 * MEBIBYTE)
START = """
import asyncio, ctypes, json, os, signal, socket, subprocess, sys, urllib.request
from sheetport.listener import Listener

listener = Listener()
"""
#: Attempts by name: an expression whose value was got, or an error. ``at`` holds what must not be reached.
ATTEMPTS = {
    "passwd": "open('/etc/passwd').read()",
    "the data directory": "open(at['secret']).read()",
    "a listing of the data directory": "os.listdir(at['folder'])",
    "the root of the machine": "os.listdir('/')",
    "the first process's root": "os.listdir('/proc/1/root')",
    "the token in the environment in proc": "at['token'] in open('/proc/self/environ').read() and 'token'",
    "another process": "[each for each in os.listdir('/proc') if each.isdigit() and each != '1']",
    "another agent's program": "open(at['other']).read()",
    "a link out of the temporary folder": "os.symlink(at['secret'], '/tmp/a') or open('/tmp/a').read()",
    "a hard link": "os.link(at['secret'], '/tmp/b') or open('/tmp/b').read()",
    "writing outside": "open(at['written'], 'w').write('x')",
    "changing its own program": "open('/agent/agent.py', 'w').write('x')",
    "changing the listener library": "open('/sheetport/sheetport/__init__.py', 'a').write('x')",
    "changing the kernel's settings": "open('/proc/sys/kernel/hostname', 'w').write('x')",
    "metadata": "urllib.request.urlopen('http://169.254.169.254/', timeout=0.4).read()",
    "a private address": "urllib.request.urlopen('http://10.0.0.7/', timeout=0.4).read()",
    "a private address by its allowed name": "urllib.request.urlopen('http://private.example/', timeout=0.4).read()",
    "another port of loopback": "answer(socket.create_connection(('127.0.0.1', at['canary']), 0.4))",
    "an address of this machine": "answer(socket.create_connection((at['address'], at['canary']), 0.4))",
    "a name that is not allowed": "urllib.request.urlopen('http://example.com/', timeout=0.4).read()",
    "a local socket": "socket.socket(socket.AF_UNIX).connect(at['socket']) or 'connected'",
    "a raw socket": "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    "a packet socket": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "a netlink socket": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)",
    "a datagram": "received(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))",
    "a command": "subprocess.check_output([sys.executable, '-V'])",
    "a child": "os.fork() or os._exit(0)",
    "a spawned child": "os.posix_spawn(sys.executable, [sys.executable, '-V'], {})",
    "a shell in its place": "os.execv('/bin/sh', ['sh'])",
    "a program of its own": "made() and os.execv('/tmp/program', ['program'])",
    "a signal to its parent": "os.kill(os.getppid() or 4_000_000, signal.SIGTERM) or 'sent'",
    "root": "os.setuid(0) or 'root'",
    "a user namespace": "checked(libc.unshare(0x10000000))",
    "a mount": "checked(libc.mount(b'none', b'/tmp', b'tmpfs', 0, None))",
    "a new root": "checked(libc.chroot(b'/tmp'))",
    "tracing": "checked(libc.ptrace(16, 1, 0, 0))",
    "kernel programs": "checked(libc.syscall(321, 0, 0, 0))",
    "a ring of calls": "checked(libc.syscall(425, 8, 0))",
    "a file in memory": "os.memfd_create('x')",
    "the clock": "__import__('time').clock_settime(0, 0.0) or 'set'",
    "the machine's memory": "open('/dev/mem', 'rb').read(1)",
}
_HELP = """
libc = ctypes.CDLL(None, use_errno=True)

def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), 'refused')
    return f'got {result}'

def answer(connection):
    connection.sendall(b'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')
    return connection.recv(100)

def received(sending):
    sending.sendto(b'hello', ('127.0.0.1', at['datagrams']))

def made():
    with open('/tmp/program', 'wb') as file:
        file.write(open(sys.executable, 'rb').read(4_000_000))
    os.chmod('/tmp/program', 0o755)
    return True

@listener.on("**")
def attempt(event):
    global at
    at = event.payload
    results = {}
    for name, code in at['attempts'].items():
        try:
            results[name] = str(eval(code) or 'refused: nothing')[:200]
        except BaseException as error:
            results[name] = f'refused: {error!r}'[:200]
    print(json.dumps(results))
"""
#: What the handler does, how its event ends, and what is said of it.
BOMBS = {
    "an endless loop": ("while True: pass", "timeout", "used more than 3 seconds of processor time"),
    "memory": (
        "kept = []\n    while True: kept.append(b'x' * 10_000_000)",
        "memory|failed",
        "more than its 160 MiB|MemoryError",
    ),
    "threads": (
        "import threading, time\n    while True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "failed|crashed|memory",
        "can't start new thread",
    ),
    "processes": ("while True: os.fork()", "failed", "Operation not permitted"),
    "a file": ("open('/tmp/x', 'wb').write(b'x' * 50_000_000)", "failed|crashed", "No space left|File too large"),
    "leaving": ("os._exit(3)", "crashed", "exit code 3"),
    "a stopped event loop": ("__import__('time').sleep(1)\n    raise SystemExit('gone')", "failed", "gone"),
}


def handling(code: str) -> str:
    return f'{START}\n@listener.on("**")\ndef handle(event):\n    {code}\n'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with running_world(tmp_path_factory.mktemp("python"), LIMITS) as running:
        yield running


async def run(world: World, source: str, agent: str, hosts: tuple[str, ...] = (), **payload: object) -> Outcome:
    return await world.host.run(program(source, agent, compiler="python", hosts=hosts), event(**payload))


async def test_a_listener_handles_events_in_one_warm_process(world: World) -> None:
    source = START + (
        "count = 0\n"
        "@listener.on('job:ready')\n"
        "async def handle(event):\n"
        "    global count\n"
        "    count += 1\n"
        "    print(event.topic, event.payload['word'], count, await event.fetch('v1/x'))\n"
    )
    first = await run(world, source, "us_ag_warm", word="one")
    second = await run(world, source, "us_ag_warm", word="two")
    assert (first.state, first.log, first.cold) == ("done", "job:ready one 1 {'asked': 'GET /v1/x HTTP/1.1'}", True)
    assert (second.state, second.log, second.cold) == ("done", "job:ready two 2 {'asked': 'GET /v1/x HTTP/1.1'}", False)
    assert f"Bearer {TOKEN}".encode() in world.asked[-1]
    assert second.memory_bytes < 90_000_000


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("raise ValueError('no good')", "no good, at agent.py:9: raise ValueError('no good')"),
        ("os.environ['WEBHOOK_URL']", "KeyError: 'WEBHOOK_URL', at agent.py:9: os.environ['WEBHOOK_URL']"),
    ],
)
async def test_a_handler_that_fails_makes_the_execution_failed(world: World, code: str, error: str) -> None:
    outcome = await run(world, handling(code), "us_ag_fails")
    assert (outcome.state, outcome.error) == ("failed", error)
    assert "Traceback" in outcome.log
    hint = 'WEBHOOK_URL is not a variable of a hosted listener; use: await event.secrets("WEBHOOK_URL")'
    assert (hint in outcome.log) == ("WEBHOOK_URL" in code)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def", "The program cannot be loaded: /agent/agent.py:1: SyntaxError: invalid syntax"),
        ("1 / 0", "The program cannot be loaded: /agent/agent.py:1: ZeroDivisionError: division by zero"),
        ("x = 1", "The program cannot be loaded: /agent/agent.py holds no Listener."),
    ],
)
async def test_a_program_that_cannot_be_loaded_says_why(world: World, source: str, error: str) -> None:
    outcome = await run(world, source, "us_ag_unloadable")
    assert outcome.state == "failed"
    assert outcome.error is not None
    assert outcome.error.startswith(error)


async def test_every_attempt_to_get_out_is_refused_while_another_agent_goes_on(world: World) -> None:
    other = "let n = 0; exports.routeEvent = async () => console.log(++n)"
    assert (await world.run(other, "us_ag_other")).log == "1"
    folder = world.folder / "data"
    folder.mkdir()
    (folder / "secret").write_text("the secret of the data directory")
    for each in (world.folder, folder, folder / "secret"):
        each.chmod(0o777)
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        listening.bind(str(folder / "socket"))
        listening.listen()
        datagrams.bind(("127.0.0.1", 0))
        datagrams.setblocking(False)
        at = {
            "secret": str(folder / "secret"),
            "folder": str(folder),
            "written": str(folder / "written"),
            "socket": str(folder / "socket"),
            "token": TOKEN,
            "canary": world.canary_port,
            "address": socket.gethostbyname(socket.gethostname()),
            "datagrams": datagrams.getsockname()[1],
            "other": str(next(world.folder.glob("agents/slots/*/agent/agent.cjs"))),
        }
        source = START + _HELP
        outcome = await run(world, source, "us_ag_escape", ("private.example",), attempts=ATTEMPTS, **at)
        with pytest.raises(BlockingIOError):
            datagrams.recv(10)
    assert outcome.state == "done", outcome
    results = json.loads(next(line for line in outcome.log.splitlines() if line.startswith("{")))
    assert results.keys() == ATTEMPTS.keys()
    assert {name: got for name, got in results.items() if not got.startswith("refused: ")} == {}
    assert world.arrived == []
    assert not (folder / "written").exists()
    assert (await world.run(other, "us_ag_other")).log == "2"


async def test_bombs_end_within_their_limits_while_another_agent_goes_on(world: World) -> None:
    good = "let n = 0; exports.routeEvent = async () => console.log(++n)"
    assert (await world.run(good, "us_ag_good")).log == "1"
    names = list(BOMBS)
    ended = await asyncio.gather(*(run(world, handling(BOMBS[each][0]), f"us_ag_{each}") for each in names))
    for name, outcome in zip(names, ended, strict=True):
        _, state, said = BOMBS[name]
        assert re.fullmatch(state, outcome.state), (name, outcome)
        assert re.search(said, f"{outcome.error} {outcome.log}"), (name, outcome)
        assert outcome.memory_bytes < LIMITS.memory_bytes * 4, name
    assert (await world.run(good, "us_ag_good")).log == "2"


def write_wheel(folder: Path) -> None:
    """A package index with one package, as pip reads it."""
    (folder / "simple/greeting").mkdir(parents=True)
    info = "greeting-1.2.3.dist-info"
    with zipfile.ZipFile(folder / "greeting-1.2.3-py3-none-any.whl", "w") as wheel:
        wheel.writestr("greeting.py", "def greet(name):\n    return f'hello {name}'\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.2.3\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    (folder / "evil-1.0.tar.gz").write_bytes(b"no wheel")
    (folder / "simple/greeting/index.html").write_text('<a href="/greeting-1.2.3-py3-none-any.whl">greeting</a>')
    (folder / "simple/evil").mkdir()
    (folder / "simple/evil/index.html").write_text('<a href="/evil-1.0.tar.gz">evil</a>')


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """Where the package index listens, by a name that agents may be allowed."""
    write_wheel(tmp_path)
    handler = partial(QuietHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"hooks.example:{serving.server_address[1]}"
        serving.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return


def needing(requirement: str, code: str) -> str:
    return f'# /// script\n# dependencies = ["{requirement}"]\n# ///\n{handling(code)}'


async def test_pinned_wheels_are_installed_in_the_jail_from_an_allowed_index_only(world: World, index: str) -> None:
    world.host._dependencies._index = f"http://{index}/simple"
    good = needing(
        "greeting==1.2.3", "import greeting; print(greeting.greet(event.payload['name']), greeting.__file__)"
    )
    refused = await run(world, good, "us_ag_needs", name="a")
    assert refused.state == "failed"
    assert refused.error is not None
    assert refused.error.startswith(f"The dependencies come from {index}, which this agent may not call")
    done = await run(world, good, "us_ag_needs", (index,), name="b")
    assert (done.state, done.log) == ("done", "hello b /agent/packages/greeting.py"), done
    source = await run(world, needing("evil==1.0", "pass"), "us_ag_source", (index,))
    assert source.state == "failed"
    assert source.error is not None
    assert "No matching distribution found for evil==1.0" in source.error
    loose = await run(world, needing("greeting>=1", "pass"), "us_ag_loose", (index,))
    assert loose.error == "The dependency 'greeting>=1' has to be pinned, such as 'humanize==4.12.3'."


async def test_python_is_refused_where_the_jail_does_not_hold(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.host.python_refused is None
    monkeypatch.setattr(world.host, "python_refused", "The self-test of the jail succeeded in: mounting.")
    outcome = await run(world, handling("pass"), "us_ag_refused")
    assert (outcome.state, outcome.error) == ("failed", "The self-test of the jail succeeded in: mounting.")


async def test_the_self_test_sees_what_a_program_without_a_jail_can_do(world: World) -> None:
    command = [sys.executable, probe.__file__, __file__, str(world.server_port)]
    freed = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    assert {
        "reading a file outside",
        "reading the machine's users",
        "seeing other processes",
        "connecting to this machine",
        "starting a process",
    } <= set(json.loads(freed.stdout))
    assert Path("/agent").exists() is False
