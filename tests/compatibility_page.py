"""The operations as the two files that scripts/compatibility.py writes."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

import msgspec

from architecture.sources import ROOT
from sheetport.http.operations import NPM_VERSION, PYTHON_VERSION, Operation

PAGE_PATH = ROOT / "docs" / "reference" / "compatibility.md"
_HEAD = """# Compatibility

What this server answers to each method of the public clients, npm `@flatfile/api` {npm_version} and PyPI `flatfile`
{python_version}. This page is written by `scripts/compatibility.py`; a test fails while it is out of date. A running
server shows the same at `/reference/compatibility`.

- **yes**: the route is served with every parameter the client can send, and in the tests its answer fits the client's
  own description; for Python, the client's own model has read it.
- **partly**: served, with the restriction in the last column.
- **no**: answered `501` with the one error shape and a link to this page; nothing is made up and nothing is changed.
- **-**: this client has no such method.

| client | version | yes | partly | no | methods |
|---|---|---|---|---|---|
"""


def as_file(operations: list[Operation]) -> bytes:
    """JSON, one operation a line."""
    lines = [msgspec.json.encode(operation).decode() for operation in operations]
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode()


def as_page(operations: list[Operation]) -> str:
    """Markdown, one table for each resource."""
    parts = [_HEAD.format(npm_version=NPM_VERSION, python_version=PYTHON_VERSION)]
    npm = Counter(one.npm_verdict for one in operations for _ in one.npm)
    python = Counter(one.python_verdict for one in operations if one.python_verdict)
    parts.append(_tally(f"npm `@flatfile/api` | {NPM_VERSION}", Counter(npm)))
    parts.append(_tally(f"PyPI `flatfile` | {PYTHON_VERSION}", Counter(python)))
    for resource, found in groupby(
        sorted(operations, key=lambda one: one.name), lambda one: one.name.rpartition(".")[0]
    ):
        parts.append(f"\n## {resource}\n\n| npm | Python | route | npm | Python | |\n|---|---|---|---|---|---|\n")
        parts += [_row(one) for one in found]
    return "".join(parts)


def _tally(client: str, counted: Counter[str]) -> str:
    yes, partly, no = (counted[verdict] for verdict in ("yes", "partly", "no"))
    return f"| {client} | {yes} | {partly} | {no} | {counted.total()} |\n"


def _row(one: Operation) -> str:
    names = ", ".join(name.rpartition(".")[2] for name in one.npm)
    python = one.python.rpartition(".")[2] if one.python else "-"
    verdicts = f"{one.npm_verdict} | {one.python_verdict or '-'}"
    anchors = "".join(f'<a id="{name}"></a>' for name in one.npm)
    return f"| {anchors}{names} | {python} | `{one.method} {one.path}` | {verdicts} | {one.reason} |\n"
