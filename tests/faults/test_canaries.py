"""Secrets, tokens and passwords go through a server; none of them can be read from its files, log or backup."""

from __future__ import annotations

import base64
import signal
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from faults.canaries import Canaries, files_of, found
from servers.data_places import DataPlace
from servers.sheetport import SheetportServer

EACH = {"sqlite": 100, "postgresql": 20}


@pytest.mark.parametrize("kind", sorted(EACH))
def test_nothing_secret_can_be_read_from_what_a_server_leaves(
    kind: str, server: Callable[..., SheetportServer], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place, beside = None, [tmp_path / "temporary", tmp_path / "backups"]
    for folder in beside:
        folder.mkdir()
    if kind == "postgresql":
        cluster = request.getfixturevalue("postgres_server")
        place = DataPlace(kind, tmp_path / "data", request.getfixturevalue("postgres_url"))
        beside.append(Path(cluster.sql("SHOW data_directory")))
    one = server(place, env={"TMPDIR": str(beside[0])})
    canaries, each = Canaries(one, EACH[kind]), EACH[kind]
    canaries.put_secrets()
    canaries.make_tokens()
    canaries.try_passwords()
    assert [len(canaries.secrets), len(canaries.passwords)] == [each, each]
    assert len(canaries.tokens) >= each
    canaries.change_secrets()
    made = one.command("backup", str(beside[1] / "a.backup"), *one.place.arguments, "--data", str(one.data))
    assert made.returncode == 0, made.stderr
    assert found([canaries.environment], files_of(one, *beside)), "the scan does not see what is there"
    assert found([canaries.environment], [beside[1] / "a.backup"]), "the scan does not look into a backup"
    assert found(canaries.all, files_of(one, *beside)) == []
    one.kill(signal.SIGKILL)
    assert found(canaries.all, files_of(one, *beside)) == []
    if kind == "sqlite":
        one.start()
        one.stop()
        assert found(canaries.all, files_of(one, *beside)) == []


def test_the_search_sees_a_value_in_every_form(tmp_path: Path) -> None:
    value, path = "canary-secret-x?~-wQ7zR", tmp_path / "file"
    raw = value.encode()
    padded = [b"a" * before + raw + b"zz" for before in range(3)]
    shown = [raw, raw.hex().encode(), raw.hex().upper().encode(), quote(value).encode()]
    shown += [value.encode("utf-16-le"), value.encode("utf-16-be")]
    shown += [encode(text) for text in padded for encode in (base64.b64encode, base64.urlsafe_b64encode)]
    for text in shown:
        for shift in range(8):
            path.write_bytes(b"before " + b"x" * shift + text + b" after")
            assert found([value], [path]), text
    path.write_bytes(b"nothing")
    assert found([value], [path]) == []
