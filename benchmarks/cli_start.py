"""How long commands take to begin: CPU time of the installed script against ``python -c pass``.

    python benchmarks/cli_start.py [SCRIPT]

SCRIPT is by default the ``sheetport`` beside this Python. Prints, as medians of ten, milliseconds of CPU over that of
``python -c pass``, and how many times as long it took. Bytecode is cached first, as it is after a first run.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

ROUNDS = 10
COMMANDS = (["--help"], ["version"], ["env", "--help"], ["export", "--help"], ["serve", "--help"])


def cpu_ms(command: list[str]) -> float:
    """CPU time of a command and its children, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000


def median_of(command: list[str]) -> float:
    cpu_ms(command)
    return statistics.median(cpu_ms(command) for _ in range(ROUNDS))


def main() -> None:
    script = Path(sys.argv[1] if len(sys.argv) > 1 else Path(sys.executable).parent / "sheetport")
    python = str(script.parent / "python")
    alone = median_of([python, "-c", "pass"])
    print(f"python -c pass        {alone:6.1f} ms of CPU, median of {ROUNDS}")
    for arguments in COMMANDS:
        took = median_of([str(script), *arguments])
        print(f"sheetport {' '.join(arguments):<12}{took - alone:6.1f} ms over it, {took / alone:4.1f} times it")


if __name__ == "__main__":
    main()
