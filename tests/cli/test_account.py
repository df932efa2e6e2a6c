"""``sheetport account create``: a second account that the first sees nothing of."""

from __future__ import annotations

import json

from cli.conftest import Shell

PASSWORD = "another long pass phrase"


def test_a_second_account_stands_apart(shell: Shell) -> None:
    made = json.loads(
        shell.printed("account", "create", "--name", "Two", "--email", "two@example.com", "--json", stdin=PASSWORD)
    )
    assert set(made) == {"accountId", "userId", "email", "environments"}
    assert [entry["name"] for entry in made["environments"]] == ["development", "production"]
    key = made["environments"][0]["secretKey"]
    seen = shell.server.request("GET", "/v1/environments", token=key).body["data"]
    assert [entry["id"] for entry in seen] == [made["environments"][0]["id"]]
    other = shell.server.development
    assert shell.status(key, f"/v1/environments/{other['id']}") == 404
    signed_in = shell.server.request("POST", "/v1/auth", {"email": "two@example.com", "password": PASSWORD})
    assert (signed_in.status, signed_in.body["accountId"]) == (200, made["accountId"])


def test_keys_are_printed_for_people_too(shell: Shell) -> None:
    printed = shell.printed("account", "create", "--name", "Three", "--email", "three@example.com", stdin=PASSWORD)
    assert printed.count("sk_dev_") == printed.count("sk_prod_") == 1
    assert "shown this once" in printed


def test_what_is_wrong_is_said(shell: Shell) -> None:
    command = ("account", "create", "--name", "Four", "--email")
    assert "15 characters" in shell.refused(*command, "four@example.com", stdin="short")
    assert "already a user" in shell.refused(*command, shell.server.email, stdin=PASSWORD)
    assert "email" in shell.refused(*command, "no address", stdin=PASSWORD)
    assert shell.type(*command[:-1], stdin=PASSWORD).returncode == 2


def test_the_embed_list_is_shown_and_changed(shell: Shell) -> None:
    first, second = "https://app.example.com", "https://*.example.net"
    assert shell.printed("account", "embed-list", "--allow", first, "--allow", second) == f"{first}\n{second}\n"
    assert shell.printed("account", "embed-list", "--remove", first) == f"{second}\n"
    assert "is no origin" in shell.refused("account", "embed-list", "--allow", "example.com")
    assert f"which has: {second}" in shell.refused("account", "embed-list", "--remove", first)


def test_it_needs_the_server(nowhere: Shell) -> None:
    said = nowhere.refused("account", "create", "--name", "Five", "--email", "five@example.com", stdin=PASSWORD)
    assert "No server is running on" in said
