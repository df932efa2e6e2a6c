"""``sheetport agents`` and ``sheetport deploy``."""

from __future__ import annotations

from cli.conftest import Shell

SOURCE = "exports.routeEvent = async () => {}\n"


def test_an_agent_is_deployed_changed_paused_and_deleted(shell: Shell) -> None:
    (shell.folder / "listener.cjs").write_text(SOURCE)
    deploy = ("deploy", "listener.cjs", "--slug", "by-shell", "--topic", "cron:*")
    assert shell.type(*deploy).stderr == "by-shell runs version 1.\n"
    assert shell.type(*deploy).stderr == "by-shell runs version 2.\n"
    row = next(line for line in shell.printed("agents", "list").splitlines() if line.startswith("by-shell\t"))
    assert row.split("\t")[2:] == ["2", "0", "on"]
    numbers = [line.split("\t")[0] for line in shell.printed("agents", "versions", "by-shell").splitlines()]
    assert numbers == ["2", "1"]
    reverted = shell.type("agents", "revert", "by-shell", "1")
    assert reverted.stderr == "by-shell runs version 3, a copy of 1.\n"
    assert shell.type("agents", "allow", "by-shell", "api.example.com").returncode == 0
    shell.type("agents", "pause", "by-shell")
    shown = shell.printed("agents", "show", "by-shell")
    assert "because somebody paused it" in shown
    assert "hosts      api.example.com" in shown
    assert shell.type("agents", "resume", "by-shell").stderr == "by-shell goes on.\n"
    assert shell.printed("agents", "executions", "by-shell") == shell.printed("agents", "logs", "by-shell") == ""
    assert "No version '9' is kept" in shell.refused("agents", "revert", "by-shell", "9")
    assert shell.type("agents", "delete", "by-shell").stderr == "by-shell is deleted.\n"
    assert "no agent 'by-shell'" in shell.refused("agents", "show", "by-shell")
