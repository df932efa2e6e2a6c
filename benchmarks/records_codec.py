"""Cost of the record codec, beside plain msgspec work on the same data in the same run.

    python benchmarks/records_codec.py [RECORDS]

Prints records per CPU second (best of ten) and the ratio to decoding or encoding the same JSON untyped.
Records have 15 cells; "clean" has no messages, in "mixed" every twentieth record has one.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec

from sheetport.features.records.codec import RowTemplate, decode_insert, record_id, render_rows

FIELDS = 15
ROUNDS = 10


def records(count: int, message_every: int | None) -> list[dict[str, Any]]:
    """``count`` records as clients send them."""
    made = []
    for index in range(count):
        record: dict[str, Any] = {}
        for field in range(FIELDS):
            value: Any = (f"value {index} é", index * field, index % 2 == 0, None, index / 7)[field % 5]
            record[f"field{field}"] = {"value": value}
        if message_every and index % message_every == 0:
            record["field3"]["messages"] = [{"type": "error", "source": "custom-logic", "message": "Must be set"}]
        made.append(record)
    return made


def best(work: Callable[[], object], count: int) -> float:
    """Records per second of process time, the best of a few rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return count / min(times)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    slots = {f"field{field}": field for field in range(FIELDS)}
    template = RowTemplate(list(slots.items()))
    print(f"{'':34}{'records/s':>12}{'ratio':>8}")
    for name, message_every in (("clean", None), ("mixed", 20)):
        body = msgspec.json.encode(records(count, message_every))
        rows = [(record_id("tagA", 1, n), *row) for n, row in enumerate(decode_insert(body, slots, limit=count))]
        wire = render_rows(rows, template)
        plain_in = best(lambda body=body: msgspec.json.decode(body), count)
        tree = msgspec.json.decode(wire)
        plain_out = best(lambda tree=tree: msgspec.json.encode(tree), count)
        read = best(lambda body=body: decode_insert(body, slots, limit=count), count)
        write = best(lambda rows=rows: render_rows(rows, template), count)
        for label, rate, base in (
            ("msgspec untyped decode", plain_in, plain_in),
            ("decode_insert", read, plain_in),
            ("msgspec encode of built dicts", plain_out, plain_out),
            ("render_rows", write, plain_out),
        ):
            print(f"{name + ' ' + label:34}{rate:>12,.0f}{rate / base:>8.2f}")


if __name__ == "__main__":
    main()
