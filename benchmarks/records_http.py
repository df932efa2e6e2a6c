"""Inserting and paging 10,000 records over real HTTP, beside bare msgspec on the same bytes in the same run.

    python benchmarks/records_http.py URL SECRET_KEY [RECORDS]

against a running server (``sheetport serve``). Makes a space with a workbook and prints wall-clock records per
second, best of five, and the ratio to decoding the same body, or encoding the same reply, with untyped msgspec in
this process. Records have 15 cells and no messages. The space is deleted at the end.
"""

from __future__ import annotations

import gzip
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
import msgspec

FIELDS = 15
ROUNDS = 5


def body_of(count: int) -> bytes:
    """An insert's body."""
    records = []
    for index in range(count):
        values = (f"value {index} é", index, index % 2 == 0, None, index / 7)
        records.append({f"field{field}": {"value": values[field % 5]} for field in range(FIELDS)})
    return msgspec.json.encode(records)


def best(work: Callable[[], object]) -> float:
    """Seconds, the best of a few rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


class Server:
    """A server under measurement; every answer other than 200 ends the run."""

    def __init__(self, url: str, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=120)

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        response = self._client.request(method, path, **kwargs)
        if response.status_code != 200:
            sys.exit(f"{method} {path}: {response.status_code} {response.text[:300]}")
        return response

    def new_sheet(self) -> tuple[str, str]:
        """Ids of a new space and of the sheet in it."""
        environment = self.call("GET", "/v1/environments").json()["data"][0]["id"]
        space = {"name": "Benchmark", "environmentId": environment}
        space_id = self.call("POST", "/v1/spaces", json=space).json()["data"]["id"]
        fields = [{"key": f"field{field}", "type": "string"} for field in range(FIELDS)]
        book = {"name": "Benchmark", "spaceId": space_id, "sheets": [{"name": "S", "slug": "s", "fields": fields}]}
        return space_id, self.call("POST", "/v1/workbooks", json=book).json()["data"]["sheets"][0]["id"]


def main() -> None:
    url, key, *rest = sys.argv[1:]
    count = int(rest[0]) if rest else 10_000
    server = Server(url, key)
    space_id, sheet_id = server.new_sheet()
    path, body = f"/v1/sheets/{sheet_id}/records", body_of(count)
    zipped = gzip.compress(body, 6)
    try:
        decoded = best(lambda: msgspec.json.decode(body))
        insert = best(lambda: server.call("POST", path, content=body))
        packed = best(lambda: server.call("POST", path, content=zipped, headers={"Content-Encoding": "gzip"}))
        reply = server.call("GET", path).content
        tree = msgspec.json.decode(reply)
        encoded = best(lambda: msgspec.json.encode(tree))
        page = best(lambda: server.call("GET", path))
        deep = best(lambda: server.call("GET", path, params={"pageNumber": 2 * ROUNDS}))
    finally:
        server.call("DELETE", f"/v1/spaces/{space_id}")
    paged = len(tree["data"]["records"])
    print(f"{'':30}{'records/s':>12}{'ratio':>8}")
    for name, seconds, plain, size in (
        ("insert", insert, decoded, count),
        ("insert, gzip", packed, decoded, count),
        ("page", page, encoded, paged),
        ("last page", deep, encoded, paged),
    ):
        print(f"{name:30}{size / seconds:12,.0f}{plain / seconds:8.2f}")
    print(f"{'bare msgspec decode / encode':30}{count / decoded:12,.0f} {paged / encoded:,.0f}")


if __name__ == "__main__":
    main()
