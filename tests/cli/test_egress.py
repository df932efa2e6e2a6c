"""``sheetport egress`` beside a running server."""

from __future__ import annotations

from cli.conftest import Shell


def test_targets_are_allowed_listed_and_removed(shell: Shell) -> None:
    shell.printed("egress", "allow", "Hooks.example.internal")
    shell.printed("egress", "allow", "10.1.0.0/16", "--environment", "production")
    listed = [line.split() for line in shell.printed("egress", "list").splitlines()]
    production = shell.server.production["id"]
    assert ["hooks.example.internal", "every", "environment"] in listed
    assert ["10.1.0.0/16", production] in listed
    shell.printed("egress", "remove", "hooks.example.internal")
    shell.printed("egress", "remove", "10.1.0.0/16", "-e", "production")
    assert shell.printed("egress", "list") == ""
    assert "egress list" in shell.refused("egress", "remove", "10.1.0.0/16")
    assert "no scheme, port, path" in shell.refused("egress", "allow", "https://example.com")
    assert "There is no environment" in shell.refused("egress", "allow", "10.1.2.3", "-e", "nowhere")
