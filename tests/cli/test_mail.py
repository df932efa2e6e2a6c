"""``sheetport mail`` beside a server with a mail server, and beside one without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Shell
from servers.data_places import DataPlace
from servers.mail import Mailbox, running_mailbox
from servers.sheetport import SheetportServer


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with running_mailbox() as running:
        yield running


def test_a_test_mail_is_sent_or_it_is_said_why_not(box: Mailbox, tmp_path: Path) -> None:
    server = SheetportServer(DataPlace("sqlite", tmp_path / "data", None), env=box.variables)
    server.start()
    try:
        shell = Shell(server, tmp_path)
        said = shell.printed("mail", "test", "ada@example.com")
        assert f"127.0.0.1:{box.port} has taken the mail, {box.messages[0]['Message-ID']}" in said
        assert f"Mail from {server.url} reaches you." in box.text()
        box.answers.append("550 5.1.1 No such user here")
        assert "did not take the mail: 550 5.1.1 No such user here" in shell.refused("mail", "test", "b@example.com")
        assert "ADDRESS must be an address" in shell.refused("mail", "test", "nobody")
        assert json.loads(shell.printed("mail", "list", "--json")) == []
        assert shell.printed("mail", "retry") == "0 to be sent now; see 'sheetport mail list'.\n"
        assert "--status is one of waiting, sent, dead" in shell.refused("mail", "list", "--status", "lost")
    finally:
        server.stop()


def test_without_a_mail_server_it_is_said_how_to_have_one(shell: Shell) -> None:
    assert "SHEETPORT_SMTP_URL and SHEETPORT_MAIL_FROM" in shell.refused("mail", "test", "ada@example.com")
    assert "sends no mail" in shell.printed("mail", "list")
