"""``sheetport keys``, ``clients`` and ``token rotate``: made, listed, rotated, revoked, due, imported."""

from __future__ import annotations

import json

from cli.conftest import Shell


def id_in(text: str) -> str:
    """The id that a command names on standard error."""
    return next(word for word in text.replace(".", " ").replace(";", " ").replace(",", " ").split() if "us_" in word)


def test_a_key_is_made_rotated_and_revoked(shell: Shell) -> None:
    made = shell.type("keys", "create", "--name", "nightly", "--expires", "90d", "--allow-ip", "127.0.0.0/8")
    old, old_id = made.stdout.strip(), id_in(made.stderr)
    assert (old.startswith("sk_dev_"), shell.status(old)) == (True, 200)
    listed = shell.printed("keys", "list", "--environment", "development")
    line = next(line for line in listed.splitlines() if line.startswith(old_id))
    for part in ("'nightly'", "never used", "from 127.0.0.0/8", "expires 20"):
        assert part in line
    assert old not in listed
    rotated = shell.type("keys", "rotate", old_id, "--overlap", "1h", "--idempotency-key", "once")
    new = rotated.stdout.strip()
    assert [shell.status(old), shell.status(new)] == [200, 200]
    again = shell.type("keys", "rotate", old_id, "--overlap", "1h", "--idempotency-key", "once")
    assert again.stdout == rotated.stdout
    assert "rotated already" in shell.refused("keys", "rotate", old_id)
    shell.printed("keys", "revoke", id_in(rotated.stderr))
    assert [shell.status(old), shell.status(new)] == [200, 401]
    ended = shell.printed("keys", "list", "--all", "--json")
    states = {one["id"]: one["state"] for one in json.loads(ended)}
    assert (states[old_id], states[id_in(rotated.stderr)]) == ("rotating", "revoked")


def test_what_a_key_is_for_is_changed(shell: Shell) -> None:
    made = shell.type("keys", "create", "--name", "changing")
    token, key_id = made.stdout.strip(), id_in(made.stderr)
    changes = (
        (("--allow-ip", "198.51.100.7"), 403),
        (("--allow-ip", "any", "--route", "GET /v1/jobs"), 403),
        (("--route", "any", "--read-only", "--expires", "30d"), 200),
    )
    for options, status in changes:
        shell.printed("keys", "change", key_id, *options)
        assert shell.status(token) == status, options
    line = shell.printed("keys", "change", key_id, "--expires", "never", "--not-read-only", "--name", "changed")
    assert ("'changed'" in line, "read-only" in line, "expires" in line) == (True, False, False)
    assert "what to change" in shell.refused("keys", "change", key_id)
    assert key_id not in shell.printed("keys", "list", "--idle", "90d")
    assert key_id in shell.printed("keys", "list", "--idle", "0")
    assert key_id not in shell.printed("keys", "list", "--expiring", "30d")


def test_tokens_and_clients_are_rotated_alike(shell: Shell) -> None:
    made = shell.type("token", "create", "--name", "reports")
    token_id = id_in(made.stderr)
    new = shell.printed("token", "rotate", token_id, "--overlap", "0").strip()
    assert [shell.status(made.stdout.strip()), shell.status(new)] == [401, 401], "used too late: both have ended"
    client_id, secret = shell.printed("clients", "create", "--name", "etl").split()
    new_id, new_secret = shell.printed("clients", "rotate", client_id).split()
    assert len({client_id, secret, new_id, new_secret}) == 4
    listed = shell.printed("clients", "list")
    assert f"replaced by {new_id}" in listed
    shell.printed("clients", "revoke", client_id)
    assert client_id not in shell.printed("clients", "list")
    assert "us_cli_absent" in shell.refused("clients", "revoke", "us_cli_absent")


def test_what_is_due_ends_with_status_1(shell: Shell) -> None:
    done = shell.type("keys", "due", "--older-than", "3650d")
    assert (done.returncode, done.stdout) == (0, "")
    done = shell.type("keys", "due", "--older-than", "0")
    assert done.returncode == 1
    assert "us_key_" in done.stdout
    assert "whole days" in shell.refused("keys", "due", "--older-than", "36h")
    assert "30 days old" in shell.printed("keys", "policy", "--max-age", "30d")
    assert "server's setting" in shell.printed("keys", "policy", "--max-age", "default")


def test_keys_of_another_server_go_on_with_their_environment(shell: Shell) -> None:
    text = "FLATFILE_API_KEY=sk_23ghsyuyshs7dcrty\nFLATFILE_ENVIRONMENT_ID=us_env_23ghsyuy\n"
    printed = shell.printed("keys", "import", "--new-environment", "old", stdin=text)
    assert "imported: the old vendor knows it, rotate by 20" in printed
    assert "23ghsyuyshs7" not in printed
    assert shell.status("sk_23ghsyuyshs7dcrty") == 200
    assert "us_env_23ghsyuy" in shell.printed("keys", "list", "--environment", "old")
    assert "already" in shell.refused("keys", "import", "--environment", "old", stdin="sk_23ghsyuyshs7dcrty")
    assert "no token" in shell.refused("keys", "import", stdin="A=b\n")
