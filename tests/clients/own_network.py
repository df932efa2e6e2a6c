"""A network of its own for a program: loopback alone, names of its own, and port 443 for whoever asks.

Run by ``unshare`` as the first program of new network and mount namespaces: ``own_network.py HOSTS COMMAND...``
makes the file HOSTS the /etc/hosts of the command.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sheetport.runtime.agent_jail.enter import raise_loopback


def isolated(hosts: Path, *command: str) -> list[str]:
    """The command in such a network. Also where this process is root it is root of its own namespace only."""
    spaces = ["unshare", "--map-root-user", "--net", "--mount"]
    return [*spaces, sys.executable, __file__, str(hosts), *command]


def main() -> None:
    hosts, *command = sys.argv[1:]
    raise_loopback()
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
