"""``sheetport users`` and ``sheetport roles``."""

from __future__ import annotations

from cli.conftest import Shell
from servers.sheetport import SheetportServer


def line_of(listed: str, word: str) -> list[str]:
    return next(line for line in listed.splitlines() if word in line).split()


def accept(server: SheetportServer, link: str) -> None:
    """The link is one of this server, and good."""
    assert link.startswith(f"{server.url}/setup?token=invite_")


def test_a_user_is_invited_shut_out_let_in_and_deleted(shell: Shell) -> None:
    email = "bob@people.example"
    link = shell.printed("users", "invite", email, "--name", "Bob B", "--role", "guest").strip()
    accept(shell.server, link)
    user_id, address, status, *name = line_of(shell.printed("users", "list", "--search", "people.example"), email)
    assert (address, status, name) == (email, "invited", ["Bob", "B"])
    assert shell.printed("users", "resend", email).strip() != link
    assert email in shell.type("users", "disable", user_id).stderr
    assert line_of(shell.printed("users", "list"), email)[2] == "disabled"
    shell.printed("users", "enable", email)
    assert line_of(shell.printed("users", "list"), email)[2] == "invited"
    shell.printed("users", "delete", email)
    assert email not in shell.printed("users", "list")
    assert "no user" in shell.refused("users", "delete", email)


def test_a_role_is_made_given_taken_and_deleted(shell: Shell) -> None:
    email = "eve@people.example"
    shell.printed("users", "invite", email, "--name", "Eve")
    role_id = shell.printed("roles", "create", "Readers", "--permission", "record:read").strip()
    assert line_of(shell.printed("roles", "list"), "Readers") == [role_id, "Readers", "your", "own"]
    assert "    record:read\n" in shell.printed("roles", "list", "--permissions")
    environment = shell.variable("FLATFILE_ENVIRONMENT_ID")
    assert "has the role" in shell.type("roles", "grant", "readers", email, "--on", environment).stderr
    assert "is still given (1)" in shell.refused("roles", "delete", "Readers")
    shell.printed("roles", "revoke", role_id, email, "--on", environment)
    assert "has no role" in shell.refused("roles", "revoke", "Readers", email, "--on", environment)
    shell.printed("roles", "delete", "Readers")
    assert "only: Administrator, Admin, User, Guest" in shell.refused("roles", "grant", "Readers", email)
