"""``sheetport env limits``, ``env origins`` and ``doctor --repair``, beside a running server and without one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cli.conftest import Shell
from servers.data_places import DataPlace
from servers.sheetport import SheetportServer, free_port
from sheetport.cli.errors import CommandError
from sheetport.cli.limits import _change, _size
from sheetport.config import ConfigError, QuotaSettings, amount, read_settings
from sheetport.storage.engine import sqlite_path


def begin(shell: Shell, origin: str | None = None) -> tuple[int, str]:
    """A page begins a space; the status, and the error's key if it is refused."""
    key = shell.server.development["publishableKey"]
    headers = {} if origin is None else {"Origin": origin}
    path = f"/v1/internal/spaces/init?publishableKey={key}"
    reply = shell.server.request("POST", path, {"space": {"name": "S"}}, headers=headers)
    return reply.status, "" if reply.status == 200 else reply.body["errors"][0]["key"]


def test_limits_are_shown_and_changed_at_once(shell: Shell) -> None:
    shown = shell.printed("env", "limits").splitlines()
    assert shown[0] == f"development  {shell.server.development['id']}"
    assert [line.split()[0] for line in shown[1:]] == ["rows", "bytes", "spaces-a-day", "streams"]
    assert all(line.endswith("the server's limit") for line in shown[1:])
    assert "of 10,000,000" in shown[1]
    shown = shell.printed("env", "limits", "--set", "rows=5_000", "--set", "bytes=2MiB").splitlines()
    assert "of 5,000 " in shown[1]
    assert "of 2 MiB " in shown[2]
    assert [line.endswith("its own limit") for line in shown[1:]] == [True, True, False, False]
    assert "10,000,000" in shell.printed("env", "limits", "production")
    shell.printed("env", "limits", "--set", "spaces-a-day=0")
    assert begin(shell) == (429, "spaces-a-day")
    back = [f"--set={name}=default" for name in ("rows", "bytes", "spaces-a-day")]
    assert "its own" not in shell.printed("env", "limits", *back)
    assert begin(shell) == (200, "")


def test_what_cannot_be_a_limit_is_said(shell: Shell) -> None:
    assert "there are rows, bytes, spaces-a-day, streams" in shell.refused("env", "limits", "--set", "cells=1")
    assert "There is no environment 'nowhere'" in shell.refused("env", "limits", "nowhere")
    for text, said in (
        ("rows", "such as --set rows=5000000"),
        ("rows=many", "is no number"),
        ("rows=-1", "is no number"),
    ):
        with pytest.raises(CommandError, match=said):
            _change(text)
    assert (_change("rows=default"), _change("bytes=2KiB")) == (("rows", None), ("bytes", 2048))


def test_origins_are_shown_and_changed_at_once(shell: Shell) -> None:
    shown = shell.printed("env", "origins", "--allow", "https://App.example.com/", "--allow", "https://*.example.net")
    assert "https://app.example.com, https://*.example.net" in shown
    assert begin(shell, "https://app.example.com") == (200, "")
    assert begin(shell, "https://evil.example.org") == (403, "Origin")
    assert begin(shell) == (200, "")
    assert "example.com" not in shell.printed("env", "origins", "--remove", "https://app.example.com")
    assert begin(shell, "https://app.example.com") == (403, "Origin")
    assert "any page" in shell.printed("env", "origins", "--any")
    assert begin(shell, "https://evil.example.org") == (200, "")
    assert "is no origin" in shell.refused("env", "origins", "--allow", "app.example.com")
    assert "without --allow" in shell.refused("env", "origins", "--any", "--allow", "https://a.example.com")


def test_doctor_mends_counts_that_drifted(tmp_path: Path, shell: Shell) -> None:
    server = SheetportServer(DataPlace("sqlite", tmp_path / "data", None))
    here = Shell(server, tmp_path)
    here.variables["SHEETPORT_DATA"] = str(server.data)
    port = str(free_port())
    with closing(sqlite3.connect(sqlite_path(server.data))) as connection:
        connection.execute("UPDATE quotas SET rows = 7, bytes = 9")
        connection.commit()
    done = here.type("doctor", "--port", port)
    assert done.returncode == 1
    assert "counts 7 rows and holds 0. Run: sheetport doctor --repair" in done.stdout
    assert "counts 7 rows and holds 0: mended" in here.printed("doctor", "--port", port, "--repair")
    said = here.printed("doctor", "--port", port)
    assert "count what they hold" in said
    assert "sheetport env limits" in said
    assert "count what they hold" in shell.printed("doctor", "--repair")


def test_amounts_are_numbers_with_or_without_a_unit() -> None:
    assert [amount(text) for text in ("0", "5_000", " 2 KiB", "20GiB", "1tib")] == [0, 5_000, 2048, 20 * 2**30, 2**40]
    for text in ("", "GiB", "1.5GiB", "-1", "5 rows", "٣", "9" * 19):
        with pytest.raises(ValueError, match="is no number"):
            amount(text)
    assert [_size(count) for count in (0, 1023, 1536, 2**40, 2**60)] == [
        *("0 bytes", "1,023 bytes", "1.5 KiB", "1 TiB", "1,048,576 TiB")
    ]


def test_the_servers_limits_come_from_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().quotas == QuotaSettings()
    monkeypatch.setenv("SHEETPORT_LIMIT_ROWS", "7")
    monkeypatch.setenv("SHEETPORT_LIMIT_BYTES", "1GiB")
    monkeypatch.setenv("SHEETPORT_LIMIT_SPACES_A_DAY", "8")
    monkeypatch.setenv("SHEETPORT_LIMIT_STREAMS", "9")
    monkeypatch.setenv("SHEETPORT_EMBED_HOURS", "48")
    assert read_settings().quotas == QuotaSettings(7, 2**30, 8, 9, 48)
    for name, value in (("SHEETPORT_LIMIT_ROWS", "lots"), ("SHEETPORT_EMBED_HOURS", "0")):
        with monkeypatch.context() as changed:
            changed.setenv(name, value)
            with pytest.raises(ConfigError, match=name):
                read_settings()
