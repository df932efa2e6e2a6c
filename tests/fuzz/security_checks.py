"""Runs schemathesis's checks against a server with two accounts, whose secret keys are peers: neither may see what the
other's is.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers.data_places import DataPlace
from servers.sheetport import SheetportServer

SCHEMATHESIS = str(Path(sys.executable).parent / "schemathesis")
CHECKS = "ignored_auth,object_level_authorization,use_after_free,not_a_server_error"
#: Of these, one thing is made of another's id, which is what the checks follow.
NESTED = ("/v1/environments", "/v1/spaces", "/v1/workbooks/{")


@dataclass(frozen=True)
class Run:
    """A server to check, and the folder that holds the checks' settings."""

    server: SheetportServer
    folder: Path

    def check(self, checks: str, starts: tuple[str, ...], *options: str) -> subprocess.CompletedProcess[str]:
        """One run over the paths that start so, to its end: status 0 when nothing was found."""
        document = self.server.request("GET", "/openapi.json").body
        left = [path for path in document["paths"] if path.startswith(starts) and not path.endswith("/stream")]
        document["paths"] = {path: document["paths"][path] for path in left}
        document["components"]["schemas"] = used_schemas(document)
        (self.folder / "openapi.json").write_text(json.dumps(document))
        command = [SCHEMATHESIS, "--config-file", str(self.folder / "schemathesis.toml"), "run", "openapi.json"]
        named = [f"--url={self.server.url}", f"--checks={checks}", "--seed=1", "--warnings=off", "--no-color"]
        timeout = 3_600 * int(os.environ.get("SHEETPORT_FUZZ_EXAMPLES", "1"))
        return subprocess.run(
            [*command, *named, *options], capture_output=True, text=True, timeout=timeout, cwd=self.folder
        )


def used_schemas(document: dict[str, Any]) -> dict[str, Any]:
    """The schemas that its paths lead to: the rest would only be read, which takes longer than the checks."""
    schemas, wanted, found = document["components"]["schemas"], [json.dumps(document["paths"])], {}
    while wanted:
        for name in set(re.findall(r"#/components/schemas/([^\"]+)", wanted.pop())) - found.keys():
            found[name] = schemas[name]
            wanted.append(json.dumps(schemas[name]))
    return found


@contextmanager
def served(folder: Path) -> Iterator[Run]:
    """A server with a second account beside its first."""
    server = SheetportServer(DataPlace("sqlite", folder / "data", None))
    server.start()
    try:
        made = server.command(
            *("account", "create", "--name", "Second", "--email", "second@example.com", "--json"),
            stdin="a long password of the second account\n",
        )
        assert made.returncode == 0, made.stderr
        second = json.loads(made.stdout)["environments"][0]["secretKey"]
        write_settings(folder, one=server.development["secretKey"], two=second)
        yield Run(server, folder)
    finally:
        server.stop()


def write_settings(folder: Path, **keys: str) -> None:
    """The keys as peers."""
    users = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {key}"}]}
        for name, key in keys.items()
    ]
    (folder / "users.json").write_text(json.dumps({"auth": users}))
    (folder / "schemathesis.toml").write_text(f'[auth.wfc]\npath = "users.json"\npeers = {json.dumps(list(keys))}\n')
