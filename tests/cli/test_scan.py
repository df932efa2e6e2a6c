"""``sheetport scan``: finds name file and line, and the status says whether there is one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.conftest import Shell
from servers.commands import PROGRAM
from sheetport.cli.main import app
from sheetport.kernel.crypto import mint_token

TOKEN = mint_token("sk_prod")
FIND = f"secret key (production), sk_prod_…{TOKEN[-4:]}"


class Result:
    def __init__(self, status: int, stdout: str, stderr: str) -> None:
        self.status = status
        self.lines = stdout.splitlines()
        self.stderr = stderr
        assert TOKEN not in stdout + stderr


Scan = Callable[..., Result]


@pytest.fixture
def scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scan:
    """``sheetport scan`` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: bytes = b"") -> Result:
        done = CliRunner().invoke(app, ["scan", *arguments], input=stdin)
        return Result(done.exit_code, done.stdout, done.stderr)

    return run


def git(*arguments: str) -> str:
    who = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_folder_is_looked_through_whatever_is_ignored(scan: Scan, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text(".env\n")
    (tmp_path / ".env").write_text(f"# key\nKEY={TOKEN}\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "blob.bin").write_bytes(bytes(range(256)) + TOKEN.encode("utf-16-le"))
    (tmp_path / "sub" / "link").symlink_to(tmp_path / ".env")
    os.mkfifo(tmp_path / "sub" / "pipe")
    done = scan(".")
    assert (done.status, done.lines, done.stderr) == (1, [f".env:2: {FIND}", f"sub/blob.bin:1: {FIND}"], "")
    assert scan(".env").lines == [f".env:2: {FIND}"]
    assert scan("sub/link", "sub/blob.bin").lines == [f"sub/link:2: {FIND}", f"sub/blob.bin:1: {FIND}"]


def test_nothing_found_is_status_0(scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(TOKEN[:-1])
    assert (scan(".").status, scan(".").lines) == (0, [])


def test_standard_input(scan: Scan) -> None:
    done = scan("-", stdin=f"a\n{TOKEN}".encode())
    assert (done.status, done.lines) == (1, [f"-:2: {FIND}"])
    assert scan("-", stdin=b"").status == 0


def test_what_cannot_be_read_is_status_2_and_the_rest_is_read(scan: Scan, tmp_path: Path) -> None:
    done = scan("absent")
    assert (done.status, done.lines) == (2, [])
    assert "absent cannot be read: No such file" in done.stderr
    (tmp_path / "a").write_text(TOKEN)
    assert (scan("absent", "a").status, scan("absent", "a").lines) == (1, [f"a:1: {FIND}"])
    assert scan().status == 2
    assert (scan("--history").status, scan("--staged").status) == (2, 2)
    assert "not a git repository" in scan("--history").stderr


def test_publishable_keys_may_be_passed_over(scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "page.js").write_text(mint_token("pk_dev"))
    assert scan(".").status == 1
    assert scan(".", "--allow-publishable").status == 0


def test_a_name_with_a_line_break_stays_on_one_line(scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "a\nb\x1b").write_text(TOKEN)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).write_text(TOKEN)
    assert scan(".").lines == [f"a\\nb\\x1b:1: {FIND}", f"\\xff:1: {FIND}"]


def test_staged_files_are_read_as_they_are_staged(scan: Scan, tmp_path: Path) -> None:
    git("init", "-q")
    (tmp_path / "sub").mkdir()
    file = tmp_path / "sub" / "a b.txt"
    file.write_text(f"x\n{TOKEN}\n")
    assert scan("--staged").status == 0
    git("add", ".")
    file.write_text("taken back, but not staged")
    assert scan("--staged").lines == [f"sub/a b.txt:2: {FIND}"]
    git("add", ".")
    assert scan("--staged").status == 0


def test_a_hook_keeps_a_token_out_of_a_commit(scan: Scan, tmp_path: Path) -> None:
    git("init", "-q")
    hook = tmp_path / ".git" / "hooks" / "pre-commit"
    hook.write_text(f"#!/bin/sh\nexec {PROGRAM} scan --staged\n")
    hook.chmod(0o755)
    (tmp_path / "a").write_text(TOKEN)
    git("add", ".")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        git("commit", "-m", "a")
    assert FIND in refused.value.stdout + refused.value.stderr
    (tmp_path / "a").write_text("clean")
    git("commit", "-qam", "a")


def test_history_names_the_first_commit_of_each_find(scan: Scan, tmp_path: Path) -> None:
    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "begin")
    file = tmp_path / "ä.txt"
    file.write_text(f"\n{TOKEN}\n")
    git("add", ".")
    git("commit", "-qm", "add")
    first = git("rev-parse", "HEAD")
    file.write_text("gone")
    git("commit", "-qam", f"take {TOKEN} out")
    second = git("rev-parse", "HEAD")
    git("checkout", "-qb", "side", first)
    merged = tmp_path / "merged.bin"
    git("merge", "-q", "--no-ff", "--no-commit", "main")
    merged.write_bytes(b"\0\xff" + TOKEN.encode())
    git("add", ".")
    git("commit", "-qm", "merge")
    third = git("rev-parse", "HEAD")
    git("checkout", "-q", "main")
    assert sorted(scan("--history").lines) == sorted(
        [f"{first}:ä.txt:2: {FIND}", f"{second}:(message):1: {FIND}", f"{third}:merged.bin:1: {FIND}"]
    )
    git("-C", str(tmp_path), "branch", "-D", "side")
    assert f"{third}:merged.bin:1: {FIND}" in scan("--history", str(tmp_path)).lines, "the reflog still has it"


#: What takes long to load, or belongs to the server.
HEAVY = ("asyncpg", "cryptography", "httpx", "litestar", "pydantic", "sqlalchemy", "sheetport.features")
LOADED = f"""
import os, sys
from sheetport.cli.main import app
try:
    app(["scan", os.devnull])
finally:
    print([name for name in {HEAVY} if name in sys.modules])
"""


def test_it_loads_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_what_is_found_can_be_revoked_at_once(shell: Shell) -> None:
    """With a token that is narrowed, too: both are refused afterwards."""
    token = shell.printed("token", "create", "--name", "leaked").strip()
    environment = shell.variable("FLATFILE_ENVIRONMENT_ID")
    url = shell.server.url
    narrow = shell.printed("token", "narrow", "--to", environment, "--expires", "5m", "--url", url, stdin=token)
    assert narrow.startswith("nt_")
    assert shell.status(narrow.strip()) == 200
    done = shell.type("scan", "-", "--revoke", url, stdin=f"a {token}\nb {narrow}")
    assert (done.returncode, len(done.stdout.splitlines())) == (1, 2)
    assert "2 handed in" in done.stderr
    assert (shell.status(token), shell.status(narrow.strip())) == (401, 401)
