"""``sheetport audit`` beside a running server and without one, and ``verify`` with the file alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from cli.conftest import Shell
from servers.commands import PROGRAM
from servers.data_places import DataPlace
from servers.sheetport import EMAIL, PASSWORD, SheetportServer, clean_environment


def verify_elsewhere(file: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``audit verify`` in an empty folder, where no server, database or key is."""
    folder.mkdir(exist_ok=True)
    command = [PROGRAM, "audit", "verify", str(file), *arguments]
    env = clean_environment()
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder, env=env)


def test_a_running_servers_log_is_listed_exported_verified_and_erased_from(shell: Shell, tmp_path: Path) -> None:
    key = str(shell.server.development["secretKey"])
    body = {"name": "DB", "value": "canary", "environmentId": shell.server.development["id"]}
    assert shell.server.request("POST", "/v1/secrets", body, key).status == 200
    fingerprint = shell.printed("audit", "key").strip()
    data = ("--data", str(shell.server.data))
    listed = shell.printed("audit", "list", "--action", "secret:read", *data)
    assert "secret:read" in listed
    assert "127.0.0.1" in listed
    file = tmp_path / "audit.jsonl"
    shell.printed("audit", "export", *data, "--out", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert "canary" not in file.read_text()
    assert "exists already" in shell.refused("audit", "export", *data, "--out", str(file))
    good = verify_elsewhere(file, tmp_path / "elsewhere", "--public-key", fingerprint)
    assert (good.returncode, fingerprint in good.stdout) == (0, True), good
    other = verify_elsewhere(file, tmp_path / "elsewhere", "--public-key", "SHA256:" + "A" * 43)
    assert (other.returncode, "is signed by the key" in other.stderr) == (1, True), other
    lines = file.read_text().splitlines(keepends=True)
    spoiled = tmp_path / "spoiled.jsonl"
    spoiled.write_text("".join([lines[0], *lines[2:]]))
    broken = verify_elsewhere(spoiled, tmp_path / "elsewhere")
    assert (broken.returncode, "NOT VALID: Line 2: chain" in broken.stderr) == (1, True), broken
    assert f"Signed by {fingerprint}" in shell.printed("audit", "verify", *data)
    shell.printed("audit", "erase", EMAIL, *data)
    after = tmp_path / "after.jsonl"
    shell.printed("audit", "export", *data, "--out", str(after))
    assert EMAIL in file.read_text()
    assert EMAIL not in after.read_text()
    assert verify_elsewhere(after, tmp_path / "elsewhere").returncode == 0
    assert "nothing was deleted" in shell.printed(
        "audit", "prune", "--before", "2020-01-01", "--out", str(tmp_path / "pruned.jsonl"), *data
    )


def test_a_stopped_servers_log_is_exported_and_init_prints_the_key(data_place: DataPlace, tmp_path: Path) -> None:
    server = SheetportServer(data_place)  # set up, and never started
    url = () if data_place.url is None else ("--database-url", data_place.url)
    told = server.command("audit", "key", "--data", str(server.data))
    where = ("--data", str(server.data), *url)
    file = tmp_path / "audit.jsonl"
    exported = server.command("audit", "export", *where, "--out", str(file))
    assert exported.returncode == 0, exported
    assert verify_elsewhere(file, tmp_path / "elsewhere", "--public-key", told.stdout.strip()).returncode == 0
    assert server.command("audit", "verify", *where).returncode == 0
    actions = {json.loads(line)["message"] for line in file.read_text().splitlines()}
    assert {"account:create", "user:create", "secret_key:create", "audit:checkpoint", "audit:export"} <= actions
    other = ("--data", str(tmp_path / "other"), "--email", EMAIL, "--password", PASSWORD)
    printed = server.command("init", *other).stdout
    assert "The audit log is signed by the key SHA256:" in printed
