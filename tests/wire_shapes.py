"""Whether a reply is what the public API describes and what the public Python client reads."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import flatfile
from flatfile.core.pydantic_utilities import parse_obj_as
from jsonschema import Draft202012Validator

DESCRIPTION = Path(__file__).parent / "data" / "openapi.json"


@cache
def _validator(name: str) -> Draft202012Validator:
    components = json.loads(DESCRIPTION.read_text())["components"]
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": components})


def assert_shape(name: str, value: Any) -> None:
    """``value`` fits schema ``name`` of the API's description and is read by the client's model of that name."""
    faults = [f"{fault.json_path}: {fault.message[:200]}" for fault in _validator(name).iter_errors(value)]
    assert not faults, faults
    read: Any = parse_obj_as(getattr(flatfile, name), value)
    assert read.id == value["id"]
