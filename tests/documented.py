"""The public API's description of its answers, to hold our answers against."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

_DOCUMENT = json.loads((Path(__file__).parent / "data" / "openapi.json").read_text())


@cache
def _validator(method: str, path: str) -> Draft202012Validator:
    answer = _DOCUMENT["paths"][path][method]["responses"]["200"]
    schema = next(iter(answer["content"].values()))["schema"]
    return Draft202012Validator({**schema, "components": _DOCUMENT["components"]})


def answer_faults(method: str, path: str, body: Any) -> list[str]:
    """What of a 200 answer's body the description of ``method`` (lower case) and ``path`` (as it is there) refuses."""
    return [f"{error.json_path}: {error.message}" for error in _validator(method, path).iter_errors(body)]
