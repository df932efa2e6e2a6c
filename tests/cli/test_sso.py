"""``sheetport sso`` beside a server and a provider that run."""

from __future__ import annotations

import re

import pytest

from cli.conftest import Shell
from servers.forged_openid import running_forger

SECRET = "secret of the forger"


def test_single_sign_on_is_set_up_looked_at_and_removed(shell: Shell) -> None:
    assert "no single sign-on" in shell.refused("sso", "show")
    with running_forger() as provider:
        named = ("--name", "Example", "--issuer", provider.issuer, "--client-id", "forged", "--domain", "example.com")
        shown = shell.printed("sso", "set", *named, stdin=f"{SECRET}\n")
        lines = dict(line.split(maxsplit=1) for line in shown.splitlines())
        assert re.fullmatch(re.escape(shell.server.url) + r"/sso/\w+/callback", lines.pop("redirect-uri"))
        assert lines == {
            "name": "Example",
            "issuer": provider.issuer,
            "client-id": "forged",
            "domains": "example.com",
            "new-users": "none",
            "trust-mfa": "off",
            "only-sso": "off",
        }
        assert shell.printed("sso", "show") == shown
        inside = shell.type("sso", "test")
        assert (inside.returncode, "sheetport egress allow 127.0.0.1" in inside.stdout) == (1, True)
        shell.printed("egress", "allow", "127.0.0.1")
        try:
            assert shell.printed("sso", "test").splitlines()[1] == "ok   keys       1 keys, for RS256"
        finally:
            shell.printed("egress", "remove", "127.0.0.1")
        changed = shell.printed("sso", "set", "--new-users", "guest", "--trust-mfa")
        assert all(re.search(each, changed) for each in (r"new-users +Guest\n", r"trust-mfa +on\n"))
        assert "No Administrator" in shell.refused("sso", "set", "--only-sso")
        assert "no user 'us_usr_any'" in shell.refused("sso", "unlink", "us_usr_any")
        removed = shell.type("sso", "remove")
        assert (removed.returncode, removed.stdout, "is removed" in removed.stderr) == (0, "", True)
        assert "no single sign-on" in shell.refused("sso", "test")


@pytest.mark.parametrize(
    ("arguments", "stdin", "told"),
    [
        ((), "", "Say what to set"),
        (("--new-secret",), "", "Client secret is empty"),
        (("--name", "Example"), "", "issuer is needed"),
    ],
)
def test_what_is_missing_is_named(shell: Shell, arguments: tuple[str, ...], stdin: str, told: str) -> None:
    assert told in shell.refused("sso", "set", *arguments, stdin=stdin)
