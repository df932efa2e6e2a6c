"""``sheetport systemd``: the service unit of this installation."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from sheetport.cli.options import fail, out

UNIT_PATH = Path(__file__).parents[1] / "packaging" / "sheetport.service"
_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_HOMES = ("/home/", "/root/", "/run/user/")


def systemd(
    user: Annotated[str, typer.Option(metavar="NAME", help="The system user it runs as.")] = "sheetport",
    data_name: Annotated[
        str, typer.Option(metavar="NAME", help="The data directory's name under /var/lib/sheetport.")
    ] = "data",
) -> None:
    """Print a hardened systemd unit that runs this very installation.

    Its settings are read from /etc/sheetport/environment, data lies in /var/lib/sheetport.

        sheetport systemd | sudo tee /etc/systemd/system/sheetport.service
    """
    for option, value in (("--user", user), ("--data-name", data_name)):
        if not _NAME.fullmatch(value):
            fail(f"{option} must be small letters, digits, - and _, such as sheetport.")
    program = Path(sys.executable).parent / "sheetport"  # not resolved: a virtual environment is where its links are
    if any(letter.isspace() or letter in "\"'%$\\" for letter in str(program)):
        fail(f"systemd cannot run {str(program)!r}: install Sheetport at a path of plain letters.")
    unit = UNIT_PATH.read_text()
    values = {
        "program": str(program),
        "user": user,
        "data_name": data_name,
        "protect_home": "read-only" if str(program).startswith(_HOMES) else "yes",
    }
    for name, value in values.items():
        unit = unit.replace(f"{{{name}}}", value)
    out.file.write(unit)
