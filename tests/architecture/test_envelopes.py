"""The rule of envelopes itself: it accepts the public API's own description and finds each kind of fault."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from architecture.envelopes import envelope_faults, error_fault, operations
from architecture.sources import ROOT

REFERENCE = json.loads((ROOT / "tests" / "data" / "openapi.json").read_text())
ERRORS = {"type": "object", "properties": {"errors": {"type": "array"}}}


def document(
    success: dict[str, Any] | None, path: str = "/v1/spaces", method: str = "get", **more: Any
) -> dict[str, Any]:
    """A document of one route with this success schema and, as ``status_N``, failure schemas."""
    content = {} if success is None else {"content": {"application/json": {"schema": success}}}
    failures = {
        status.removeprefix("status_"): {"content": {"application/json": {"schema": schema}}}
        for status, schema in more.items()
    }
    return {"paths": {path: {method: {"responses": {"200": content, **failures}}}}}


def envelope(*keys: str) -> dict[str, Any]:
    return {"type": "object", "properties": {key: {} for key in keys}}


def test_the_public_description_passes() -> None:
    assert sum(1 for _ in operations(REFERENCE)) > 250
    assert envelope_faults(REFERENCE, REFERENCE, {}) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (document(envelope("items")), r"answers \['items'\]"),
        (document(envelope("data", "extra")), "extra"),
        (document(None), "no JSON body"),
        (document({"type": "array"}), "answers array"),
        (document(envelope("data"), status_400=envelope("detail")), r"documents 400 as \['detail'\]"),
        (document(envelope("data"), status_204={}), "204"),
        (document(envelope("data"), path="/v1/auth/refresh-token", method="post"), "without .*accessToken"),
        (document(envelope("data"), path="/v1/environments/{id}", method="patch"), "without"),
    ],
)
def test_a_fault_is_found(given: dict[str, Any], said: str) -> None:
    faults = envelope_faults(given, REFERENCE, {})
    assert any(re.search(said, fault) for fault in faults), faults


def test_a_right_answer_passes() -> None:
    assert envelope_faults(document(envelope("data", "pagination"), status_404=ERRORS), REFERENCE, {}) == []
    assert envelope_faults(document(envelope("data"), path="/v1/spaces/{space_id:str}"), REFERENCE, {}) == []


def test_routes_of_our_own_may_answer_bare() -> None:
    ours = document(envelope("version", "status"), path="/v1/health")
    assert envelope_faults(ours, REFERENCE, {}) != []
    assert envelope_faults(ours, REFERENCE, {"get /v1/health": {"version"}}) == []


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (404, {"errors": [{"key": "general", "message": "There is no such space."}]}, None),
        (500, {"errors": [{"key": "general", "message": "x"}]}, "status 500"),
        (400, {"detail": "x"}, "body"),
        (400, {"errors": []}, "body"),
        (400, b"no", "body"),
        (400, {"errors": [{"key": "a", "message": " "}]}, "entry"),
        (400, {"errors": [{"message": "x"}]}, "entry without key"),
    ],
)
def test_live_failures_have_one_shape(status: int, body: Any, fault: str | None) -> None:
    found = error_fault(status, body)
    assert found is None if fault is None else fault in (found or "")
