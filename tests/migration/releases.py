"""The stored servers of released versions, laid out for today's code."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from architecture.sources import ROOT
from servers.postgres import PostgresCluster
from sheetport.config import StorageSettings

FIXTURES = Path(__file__).parent / "fixtures"
RELEASES = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())
MARK = '{"format": 1}\n'


@dataclass(frozen=True)
class Release:
    """A release's server in a place of its own, and what has to be found there."""

    storage: StorageSettings
    expected: dict[str, Any]


def lay_out(version: str, kind: str, data: Path, cluster: PostgresCluster) -> Release:
    """The server of ``version`` on the database ``kind``, as that version left it."""
    folder = FIXTURES / version
    data.mkdir(mode=0o700, parents=True)
    key_file = data.with_suffix(".key")
    shutil.copy(folder / f"{kind}.key", key_file)
    (data / "sheetport.json").write_text(MARK)
    url = None
    if kind == "sqlite":
        (data / "sheetport.db").write_bytes(gzip.decompress((folder / "sqlite.db.gz").read_bytes()))
    else:
        url = cluster.new_database()
        cluster.run_script(url, gzip.decompress((folder / "postgresql.sql.gz").read_bytes()))
    storage = StorageSettings(data, key_file, url, backups=data.with_suffix(".backups"))
    return Release(storage, json.loads((folder / f"{kind}.json").read_text()))


def released_versions() -> list[str]:
    """The versions that CHANGELOG.md says were released."""
    return re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
