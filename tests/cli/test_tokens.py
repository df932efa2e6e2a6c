"""``sheetport login``, ``logout`` and ``token``: as whom user commands act, and how that ends."""

from __future__ import annotations

import json
from pathlib import Path

from cli.conftest import Shell


def sign_in(shell: Shell) -> Path:
    """Signs the shell's user in; the file it is kept in."""
    server = shell.server
    shell.printed("login", "--url", f"{server.url}/v1", "--email", server.email, stdin=server.password + "\n")
    return shell.folder / "config" / "sheetport" / "credentials.json"


def test_a_sign_in_is_kept_for_its_owner_alone_and_ended_by_logout(shell: Shell) -> None:
    path = sign_in(shell)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    kept = json.loads(path.read_text())
    assert (kept["url"], kept["email"]) == (shell.server.url, shell.server.email)
    assert shell.server.password not in path.read_text()
    assert shell.status(kept["token"]) == 200
    done = shell.type("logout")
    assert (done.returncode, done.stderr) == (0, "Signed out.\n")
    assert not path.exists()
    assert shell.status(kept["token"]) == 401
    assert shell.type("logout").stderr == "You were not signed in.\n"


def test_a_wrong_password_is_refused_and_keeps_nothing(shell: Shell) -> None:
    arguments = ("login", "--url", shell.server.url, "--email", shell.server.email)
    said = shell.refused(*arguments, stdin="wrong password that is long")
    assert "wrong password" not in said
    assert not (shell.folder / "config").exists()


def test_an_address_that_is_none(shell: Shell) -> None:
    assert "http://" in shell.refused("login", "--url", "data.example.com", "--email", "a@b.c", stdin="x")


def test_a_file_that_is_damaged_says_what_to_do(shell: Shell) -> None:
    path = sign_in(shell)
    path.write_text("{")
    assert "sheetport login" in shell.refused("token", "list")


def test_a_token_is_made_listed_and_revoked_on_the_servers_machine(shell: Shell) -> None:
    done = shell.type("token", "create", "--name", "nightly import")
    token = done.stdout.strip()
    assert token.startswith("pat_")
    assert shell.status(token) == 200
    listed = shell.printed("token", "list")
    line = next(line for line in listed.splitlines() if "nightly import" in line)
    token_id = line.split()[0]
    assert token_id in done.stderr
    assert token not in listed
    assert "never used" in line
    shell.printed("token", "revoke", token_id)
    assert shell.status(token) == 401
    assert "no such token" in shell.refused("token", "revoke", token_id)


def test_the_credential_of_a_user_command_ends_with_it(shell: Shell) -> None:
    shell.printed("token", "list")
    assert shell.printed("token", "list").count("command line on") == 1


def test_a_stored_sign_in_serves_where_no_server_runs(nowhere: Shell) -> None:
    said = nowhere.refused("token", "list")
    assert "sheetport login" in said
    sign_in(nowhere)
    assert "password sign-in" in nowhere.printed("token", "list")
    nowhere.printed("secrets", "set", "FROM_AFAR", stdin="v")
    assert nowhere.printed("secrets", "get", "FROM_AFAR") == "v\n"
    assert "FROM_AFAR" not in nowhere.printed("secrets", "list", "--environment", "production")
    assert "three" not in nowhere.refused("run", "--", "true")


def test_a_personal_token_in_the_environment_comes_first(nowhere: Shell, shell: Shell) -> None:
    local = Shell(shell.server, shell.folder)
    local.variables["SHEETPORT_DATA"] = str(shell.server.data)
    token = local.printed("token", "create", "--name", "ci").strip()
    given = {"FLATFILE_API_KEY": token, "FLATFILE_API_URL": shell.server.url}
    assert "ci" in nowhere.printed("token", "list", env=given)
    assert "personal" not in nowhere.printed("secrets", "list", env=given)


def test_sessions_are_listed_and_ended(shell: Shell) -> None:
    first = json.loads(sign_in(shell).read_text())["token"]
    kept = json.loads(sign_in(shell).read_text())["token"]
    lines = shell.printed("sessions", "list").splitlines()
    assert ("(this one)" in lines[0], "127.0.0.1" in lines[1], "password" in lines[1]) == (True, True, True)
    assert shell.type("sessions", "revoke", lines[1].split()[0]).returncode == 0
    assert (shell.status(first), shell.status(kept)) == (401, 200)
    assert "--others" in shell.refused("sessions", "revoke")
    shell.type("sessions", "revoke", "--all")
    assert shell.status(kept) == 401
    shell.type("logout")


def test_the_account_asks_for_a_second_factor_and_no_longer(shell: Shell) -> None:
    assert shell.printed("account", "policy", "--require-mfa", "on").split() == [
        "require-mfa", "on", "password-tokens", "on",
    ]  # fmt: skip
    arguments = ("login", "--url", shell.server.url, "--email", shell.server.email)
    assert "second factor" in shell.refused(*arguments, stdin=shell.server.password)
    assert "require-mfa  off" in shell.printed("account", "policy", "--require-mfa", "off")
    assert shell.type("account", "forget-factors", shell.server.email).returncode == 0
    assert "no user" in shell.refused("account", "forget-factors", "nobody@example.com")
    assert "/setup?token=" in shell.printed("account", "link", "--email", shell.server.email)
