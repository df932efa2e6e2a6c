"""How long a server takes to be ready on data that is there, and what memory its processes hold when idle.

    python benchmarks/idle_server.py [ROUNDS]

Makes a data directory in a temporary folder and starts ``sheetport serve`` on it several times. Seconds are from the
start of the command to its line "ready"; memory is summed over its processes: PSS counts shared pages by share, RSS
counts them in each. Linux only.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = str(Path(sys.executable).parent / "sheetport")
SETTLE_SECONDS = 5.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(data: Path, port: int, *extra: str) -> tuple[subprocess.Popen[str], float]:
    """A server that is ready, and the seconds that took."""
    began = time.monotonic()
    command = [PROGRAM, "serve", "--data", str(data), "--port", str(port), *extra]
    environment = {"SHEETPORT_RATE_LIMITS": "off", **os.environ}  # a benchmark is a flood
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    for line in server.stdout or ():
        if "is ready" in line:
            return server, time.monotonic() - began
    sys.exit("the server did not get ready")


def family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [pid, *(each for child in children for each in family(child))]


def memory(pid: int) -> dict[str, float]:
    """MiB of PSS and RSS over a server's processes."""
    sums = {"Pss": 0.0, "Rss": 0.0}
    for each in family(pid):
        for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
            name = line.partition(":")[0]
            if name in sums:
                sums[name] += int(line.split()[1]) / 1024
    return sums


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        data, times = Path(folder) / "data", []
        credentials = ["--email", "a@example.com", "--password", "correct horse battery staple"]
        subprocess.run([PROGRAM, "init", "--data", str(data), *credentials], check=True, stdout=subprocess.DEVNULL)
        for index in range(rounds):
            server, seconds = start(data, free_port())
            times.append(seconds)
            if index == rounds - 1:
                time.sleep(SETTLE_SECONDS)
                held, processes = memory(server.pid), len(family(server.pid))
            server.terminate()
            server.wait()
    print(f"ready in seconds: {' '.join(f'{each:.2f}' for each in times)} (best {min(times):.2f})")
    print(f"idle memory of {processes} process(es): PSS {held['Pss']:.1f} MiB, RSS {held['Rss']:.1f} MiB")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
