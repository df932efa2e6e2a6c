"""Node.js and unmodified npm packages for tests. Nothing here skips: what is missing fails with the fix."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from servers.locks import one_at_a_time

OLDEST_NODE = 18
PACKAGES = Path(__file__).parents[1] / "clients" / "npm"


@dataclass(frozen=True)
class NodeTools:
    """The paths of the programs ``node`` and ``npm``."""

    node: str
    npm: str


@functools.cache
def node_tools() -> NodeTools:
    """The machine's Node.js when it is new enough and brings npm, else the one that ./test put into .venv."""
    for path in (None, str(Path(sys.executable).parent)):
        node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
        if node and npm and node_major(node) >= OLDEST_NODE:
            return NodeTools(node, npm)
    raise RuntimeError(f"Node.js {OLDEST_NODE} or later with npm is missing: run ./test, which puts it into .venv.")


def node_major(node: str) -> int:
    """The major version that the program ``node`` prints."""
    printed = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=30).stdout
    return int(printed.strip().removeprefix("v").split(".")[0])


def cache_home() -> Path:
    """Where installed packages are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sheetport-tests"


def install_packages(name: str) -> Path:
    """Installs ``tests/clients/npm/NAME`` from its lock file, once per lock; returns the folder with node_modules."""
    source = PACKAGES / name
    assert (source / "package-lock.json").exists(), f"There is no {source / 'package-lock.json'}."
    digest = hashlib.sha256()
    for file in ("package.json", "package-lock.json"):
        digest.update((source / file).read_bytes())
    home = cache_home() / f"{name}-{digest.hexdigest()[:16]}"
    with one_at_a_time(cache_home() / f"{name}.lock"):
        if not home.exists():
            _install(source, home)
    return home


def _install(source: Path, home: Path) -> None:
    """``npm ci`` in a folder beside ``home``, which appears only when it is complete."""
    work = Path(tempfile.mkdtemp(prefix=f"{home.name}.", dir=home.parent))
    try:
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, work / file)
        tools = node_tools()
        path = f"{Path(tools.node).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        command = [tools.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(
            command, cwd=work, capture_output=True, text=True, timeout=600, env={**os.environ, "PATH": path}
        )
        if done.returncode:
            raise RuntimeError(f"npm ci for {source.name} failed: {done.stderr.strip()[-2000:]}")
        work.rename(home)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def make_project(home: Path, folder: Path) -> Path:
    """``folder`` as a Node.js project of its own that sees the packages of ``home``; scripts go into it."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(home / "package.json", folder / "package.json")
    (folder / "node_modules").symlink_to(home / "node_modules", target_is_directory=True)
    return folder
