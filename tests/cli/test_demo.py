"""``sheetport demo``: the whole flow, explained, on a server of its own or on the one that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.conftest import Shell
from sheetport.cli.demo import STEPS


def test_it_brings_its_own_server_and_leaves_nothing(nowhere: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = nowhere.folder / "temporary"
    folder.mkdir()
    printed = nowhere.printed("demo", env={"TMPDIR": str(folder)})
    for word in ("space", "workbook", "records", "secrets", "listener", "job", "webhook", "Done."):
        assert word in printed
    assert list(folder.iterdir()) == []
    assert "sk_" not in printed


def test_it_numbers_its_steps_and_every_record_arrives(shell: Shell) -> None:
    printed = shell.printed("demo")
    numbers = [line.split("/")[0] for line in printed.splitlines() if f"/{STEPS}  " in line]
    assert numbers == [str(number) for number in range(1, STEPS + 1)]
    sent = re.search(r"(\d+) records from three CSV files", printed)
    arrived = re.search(r"The webhook got (\d+) airlines, (\d+) airports, (\d+) planes", printed)
    assert sent is not None
    assert arrived is not None
    assert sum(map(int, arrived.groups())) == int(sent[1]) > 0


def test_it_uses_the_server_that_runs_and_clears_up(shell: Shell) -> None:
    before = spaces(shell)
    printed = shell.printed("demo")
    assert shell.server.url in printed
    assert "starting one" not in printed
    assert spaces(shell) == before


def test_keep_leaves_the_space(shell: Shell) -> None:
    before = spaces(shell)
    shell.printed("demo", "--keep")
    left = spaces(shell) - before
    assert len(left) == 1
    key = shell.server.development["secretKey"]
    books = shell.server.request("GET", f"/v1/workbooks?spaceId={left.pop()}", token=key).body["data"]
    assert [book["name"] for book in books] == ["Flights"]
    counts = [
        shell.server.request("GET", f"/v1/sheets/{sheet['id']}/counts", token=key).body["data"]["counts"]["total"]
        for sheet in books[0]["sheets"]
    ]
    files = Path(__file__).parents[2] / "src" / "sheetport" / "cli" / "demo_data"
    rows = [len((files / f"{name}.csv").read_text().splitlines()) - 1 for name in ("airlines", "airports", "planes")]
    assert counts == rows
    assert min(rows) > 0


def spaces(shell: Shell) -> set[str]:
    key = shell.server.development["secretKey"]
    listed = shell.server.request("GET", "/v1/spaces?pageSize=1000", token=key).body["data"]
    return {space["id"] for space in listed}


def test_a_key_that_is_refused_is_said_before_anything_starts(nowhere: Shell) -> None:
    given = {"FLATFILE_API_KEY": "sk_dev_wrong", "FLATFILE_API_URL": nowhere.server.url}
    assert "FLATFILE_API_KEY is not accepted" in nowhere.refused("demo", env=given)
