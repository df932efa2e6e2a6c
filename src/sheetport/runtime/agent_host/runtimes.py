"""What a jail shows of a language's runtime, and how that is started."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from deno import find_deno_bin  # type: ignore[import-untyped]  # the wheel has no types

from sheetport.config import MEBIBYTE
from sheetport.preload import PRELOAD_PATH
from sheetport.runtime.agent_host.model import Limits
from sheetport.runtime.agent_jail.enter import TEMPORARY

_HOST = Path(__file__).with_name("host.cjs")
_PERMISSIONS = (
    "--allow-env",
    "--allow-sys",
    "--allow-net",
    "--allow-read=/agent,/host,/tmp,/node_modules",
    "--allow-write=/tmp",
)
TUNNEL_PATH = Path(__file__).with_name("tunnel.cjs")
_OWN = Path(__file__).parents[2]
#: Packages of the program come first, this server's own are last.
_SERVE = (
    "import sys; sys.path[:0] = ['/agent/packages']; sys.path += ['/sheetport', '/packages/0', '/packages/1'];"
    " from sheetport.listener.hosted import main; main()"
)
#: An idle agent with the whole client in its bundle stays under 90 MB with these.
_SMALL = "--expose-gc,--optimize-for-size,--max-lazy,--max-semi-space-size=2"
_QUIET = ("--quiet", "--no-prompt", "--no-remote", "--cached-only", "--no-config", "--no-lock", "--no-code-cache")


@dataclass(frozen=True, slots=True)
class Runtime:
    """A program's command in the jail, what is shown to it as (from, to), and which of that may be executed."""

    command: tuple[str, ...]
    shown: tuple[tuple[str, str], ...]
    executable: tuple[str, ...]
    environment: dict[str, str]
    #: The program's file in /agent, and what is put before and behind its text.
    file: str
    opening: bytes
    closing: bytes
    #: Address space that the runtime takes without using it.
    reserved_bytes: int
    #: Ports of this machine that it may connect to where it has no network of its own.
    reachable: tuple[int, ...] = ()


@cache
def javascript(limits: Limits) -> Runtime:
    """Deno with the host script."""
    binary = os.path.realpath(find_deno_bin())
    libraries = needed_libraries(binary)
    return Runtime(
        (
            "/bin/deno",
            "run",
            *_QUIET,
            *_PERMISSIONS,
            f"--v8-flags={_SMALL},--max-old-space-size={limits.heap_bytes // 1024 // 1024}",
            "/host/host.cjs",
        ),
        (
            (binary, "/bin/deno"),
            *((each, each) for each in libraries),
            (str(_HOST), "/host/host.cjs"),
            (str(PRELOAD_PATH), "/host/preload.cjs"),
        ),
        ("/bin/deno", *libraries),
        {"HOME": TEMPORARY, "DENO_DIR": f"{TEMPORARY}/.deno", "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"},
        "agent.cjs",
        # What makes a function of a CommonJS module: joined here, the text is in the program's memory once.
        b"(function (exports, require, module, __filename, __dirname) {",
        b"\n})",
        1024 * MEBIBYTE,  # for code, of itself and of workers
    )


def open_javascript(limits: Limits, slot: Path, server_port: int, targets: list[tuple[str, int]]) -> Runtime:
    """Deno where the machine gives no namespaces: everything is where it is, and deno's permissions keep it in."""
    inside = javascript(limits)
    binary = os.path.realpath(find_deno_bin())
    called = [f"{host}:{port}" for host, port in targets]
    readable = ",".join(map(str, (slot / "agent", slot / "tmp", _HOST, TUNNEL_PATH, PRELOAD_PATH, "/node_modules")))
    return replace(
        inside,
        command=(
            binary,
            "run",
            *_QUIET,
            "--allow-env",
            "--allow-sys",
            f"--allow-net={','.join((f'127.0.0.1:{server_port}', '{gates}', *called))}",
            f"--allow-read={readable}",
            f"--allow-write={slot / 'tmp'}",
            next(each for each in inside.command if each.startswith("--v8-flags")),
            str(_HOST),
        ),
        shown=(*((source, source) for source, _ in inside.shown), (str(TUNNEL_PATH), "")),
        executable=(binary, *inside.executable[1:]),
        environment={**inside.environment, "HOME": str(slot / "tmp"), "DENO_DIR": str(slot / "tmp/.deno")},
        reachable=(server_port,),
    )


@cache
def python(script: tuple[str, ...] = ("-c", _SERVE)) -> Runtime:
    """This server's own interpreter with the listener library, or with another script."""
    binary = os.path.realpath(sys.executable)
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    packages = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    libraries = dict.fromkeys(os.path.dirname(each) for each in needed_libraries(binary))
    return Runtime(
        (binary, "-I", "-S", "-B", *script),
        (
            (binary, binary),
            *((each, each) for each in (*sorted(folders), *libraries)),
            *((each, f"/packages/{number}") for number, each in enumerate(packages)),
            (str(_OWN), "/sheetport/sheetport"),
        ),
        (binary, *needed_libraries(binary)),
        {"HOME": TEMPORARY},
        "agent.py",
        b"",
        b"",
        256 * MEBIBYTE,  # for threads
    )


def needed_libraries(binary: str) -> tuple[str, ...]:
    """The shared libraries that a program loads, as its own loader finds them."""
    told = subprocess.run(  # noqa: S603 - the runtime's own binary
        [binary], env={"LD_TRACE_LOADED_OBJECTS": "1"}, capture_output=True, text=True, timeout=20, check=True
    ).stdout
    words = (word for line in told.splitlines() for word in line.split())
    return tuple(dict.fromkeys(word for word in words if word.startswith("/") and os.path.exists(word)))


def with_packages(runtime: Runtime, folder: Path) -> Runtime:
    """The same with a program's installed dependencies."""
    return replace(runtime, shown=(*runtime.shown, (str(folder), "/agent/packages")))
