"""How fast ``sheetport scan`` reads, against ``grep -E`` over the same files in the same run.

    python benchmarks/scan.py [FOLDER]

FOLDER is by default where this Python keeps its packages: code, prose, programs. Prints MB a second of CPU time and of
wall time, medians of three, for the folder and for three files of 64 MB: prose, random bytes, base64. grep is told the
prefixes and the length of stored tokens; it checks no checksum and looks into neither UTF-16 nor base64.
"""

from __future__ import annotations

import base64
import os
import resource
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROUNDS = 3
SIZE = 64_000_000
PATTERN = "(sk_dev|sk_prod|pk_dev|pk_prod|pat|at|cs|setup)_[0-9A-Za-z]{39}"
PROSE = b"The nightly import reads created_at and sheet_id from https://data.example.com/v1/sheets, then stops.\n"


def took(command: list[str]) -> tuple[float, float]:
    """(CPU, wall) seconds of a command whose status may be 0 or 1."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode in (0, 1), command
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - began


def report(name: str, path: Path, size: int) -> None:
    script = str(Path(sys.executable).parent / "sheetport")
    for label, command in {
        "sheetport scan": [script, "scan", str(path)],
        "grep -raE": ["grep", "-raE", PATTERN, str(path)],
    }.items():
        times = [took(command) for _ in range(ROUNDS)]
        cpu, wall = (size / 1e6 / statistics.median(each) for each in zip(*times, strict=True))
        print(f"{name:<14}{size / 1e6:7.0f} MB  {label:<16}{cpu:7.0f} MB/s of CPU {wall:7.0f} MB/s of wall time")


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else sysconfig.get_path("purelib"))
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    report("folder", folder, sum(sizes))
    with tempfile.TemporaryDirectory() as scratch:
        for name, data in {
            "prose": PROSE * (SIZE // len(PROSE)),
            "random bytes": os.urandom(SIZE),
            "base64": base64.encodebytes(os.urandom(SIZE * 3 // 4)),
        }.items():
            path = Path(scratch, name)
            path.write_bytes(data)
            report(name, path, len(data))
    alone = min(took([str(Path(sys.executable).parent / "sheetport"), "scan", os.devnull])[0] for _ in range(5))
    print(f"start           {alone * 1000:.0f} ms of CPU for nothing to scan, best of five")


if __name__ == "__main__":
    main()
