"""``sheetport guests`` beside a server that sends no mail: the links come to whoever invites."""

from __future__ import annotations

import json

from cli.conftest import Shell


def test_guests_are_invited_listed_and_removed(shell: Shell) -> None:
    development = shell.server.development
    made = shell.server.request(
        "POST", "/v1/spaces", {"name": "Harbour", "environmentId": development["id"]}, development["secretKey"]
    )
    space = made.body["data"]["id"]
    added = shell.printed("guests", "add", space, "grace@example.com", "--name", "Grace").split("\t")
    assert (added[0], added[2]) == ("grace@example.com", "all of the space\n")
    printed = shell.printed("guests", "invite", space, "ada@example.com", "grace@example.com", "--from", "Joan")
    links = dict(line.split("\t") for line in printed.splitlines())
    assert set(links) == {"ada@example.com", "grace@example.com"}
    token = links["ada@example.com"].partition("?token=")[2]
    signed_in = shell.server.request("POST", "/v1/invitations/exchange", {"token": token}).body["data"]
    assert signed_in["valid"] is True
    assert shell.status(signed_in["token"], f"/v1/spaces/{space}") == 200
    listed = json.loads(shell.printed("guests", "list", space, "--json"))
    assert [(guest["email"], guest["name"]) for guest in listed] == [
        ("grace@example.com", "Grace"),
        ("ada@example.com", "ada"),
    ]
    assert shell.printed("guests", "list", space).startswith(
        f"grace@example.com\t{added[1]}\tGrace\tall of the space\n"
    )
    ada = next(guest["id"] for guest in listed if guest["name"] == "ada")
    assert shell.type("roles", "grant", "User", ada, "--on", space).stderr == f"{ada} has the role User on {space}.\n"
    shell.printed("roles", "revoke", "User", ada, "--on", space)
    done = shell.type("guests", "remove", space, "ada@example.com")
    assert (done.returncode, done.stderr) == (0, "ada@example.com is out of the space.\n")
    assert shell.status(signed_in["token"], f"/v1/spaces/{space}") == 401
    assert "no guest of this space" in shell.refused("guests", "remove", space, "ada@example.com")
    assert "one address" in shell.refused("guests", "invite", space, "a@b.c", "d@e.f", "--name", "X")
    assert "must be an address" in shell.refused("guests", "add", space, "nobody")
