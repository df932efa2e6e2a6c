"""What no database could keep is refused with the path of the part at fault."""

from __future__ import annotations

from typing import Any

import pytest

from sheetport.kernel.errors import Invalid
from sheetport.kernel.storable import MAX_DEPTH, json_path, refuse_unstorable


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


def test_paths() -> None:
    assert json_path(json_path(json_path("", "sheets"), 0), "name") == "sheets[0].name"
    assert json_path("", 3) == "[3]"


@pytest.mark.parametrize("value", [None, 1, "", "é", {"a": [{"b": "c"}]}, nested(MAX_DEPTH)])
def test_ordinary_json_passes(value: Any) -> None:
    refuse_unstorable(value, "metadata")


@pytest.mark.parametrize(
    ("value", "at", "key"),
    [
        ("\0", "name", "name"),
        ("\0", "", "general"),
        ({"a": [1, "b\0"]}, "metadata", "metadata.a[1]"),
        ({"a": {"k\0": 1}}, "", "a"),
        (nested(MAX_DEPTH + 1), "metadata", "metadata"),
        (nested(100_000), "", "general"),
    ],
)
def test_nul_and_absurd_depth_are_refused(value: Any, at: str, key: str) -> None:
    with pytest.raises(Invalid) as refused:
        refuse_unstorable(value, at)
    assert refused.value.key == key
