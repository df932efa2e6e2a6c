"""``sheetport webhooks`` beside a server, with a real receiver on this machine."""

from __future__ import annotations

import json
import time

from cli.conftest import Shell
from hook_world import verified
from servers.hooks import receiving_in_thread


def test_a_webhook_is_made_tried_rotated_and_deleted(shell: Shell) -> None:
    with receiving_in_thread() as receiver:
        refused = shell.refused("webhooks", "create", receiver.url(), "--topic", "space:*")
        command = refused.partition("server's machine: ")[2].split()
        assert command[:4] == ["sheetport", "egress", "allow", "127.0.0.1"]
        assert shell.type(*command[1:]).returncode == 0, "the refusal's own command allows it"
        shown = shell.printed("webhooks", "create", receiver.url("fail"), "--topic", "space:*", "--description", "CRM")
        made = dict(line.split(maxsplit=1) for line in shown.splitlines())
        bad = shell.type("webhooks", "test", made["id"])
        assert (bad.returncode, bad.stdout.split()[:2]) == (1, ["bad", "500"])
        shell.printed("webhooks", "update", made["id"], "--url", receiver.url())
        assert shell.printed("webhooks", "test", made["id"]).startswith("ok 200 ")
        assert verified(made["secret"], receiver.heard[-1])["type"] == "webhook:test"
        key = shell.server.development["secretKey"]
        shell.server.request(
            "POST", "/v1/spaces", {"name": "Harbour", "environmentId": shell.server.development["id"]}, key
        )
        until = time.monotonic() + 10
        while not (log := shell.server.request("GET", f"/v1/webhooks/{made['id']}/deliveries", token=key).body["data"]):
            assert time.monotonic() < until
        event, *_, topic, error = shell.printed("webhooks", "deliveries", made["id"]).strip().split("\t")
        assert (event, topic, error) == (log[0]["eventId"], "space:created", "-")
        assert shell.type("webhooks", "replay", made["id"], event).stderr == "1 to be sent again.\n"
        rotated = shell.type("webhooks", "rotate", made["id"], "--overlap", "7d")
        assert rotated.stdout.split()[1].startswith("whsec_")
        assert rotated.stderr.startswith("The key before signs too until ")
        assert made["secret"] not in rotated.stdout
        (listed,) = json.loads(shell.printed("webhooks", "list", "--json"))
        assert (listed["id"], len(listed["keys"]), "secret" in listed) == (made["id"], 2, False)
        paused = shell.printed("webhooks", "update", made["id"], "--state", "paused", "--reason", "moving")
        assert "paused moving" in paused
        assert shell.type("webhooks", "delete", made["id"]).returncode == 0
        assert shell.server.request("GET", f"/v1/webhooks/{made['id']}", token=key).status == 404
