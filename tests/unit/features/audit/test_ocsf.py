"""Records are OCSF events, spelled in one way for ever."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ocsf_models.objects.account import Account
from py_ocsf_models.objects.api import API
from py_ocsf_models.objects.enrichment import Enrichment
from py_ocsf_models.objects.metadata import Metadata
from py_ocsf_models.objects.user import User
from pydantic import BaseModel

from sheetport.features.audit.codec.ocsf import canonical, sealed_text
from sheetport.kernel.crypto import KeyRing
from unit.features.audit.exports import export_of, row

#: What OCSF 1.5 requires of every event, and of each class beside that.
OF_ALL = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"}
OF_CLASS = {3001: {"user"}, 3002: {"user"}, 3005: {"user", "privileges"}, 6003: {"actor", "api", "src_endpoint"}}
ACTIONS = {
    "user:create": (3001, 1),
    "user:disable": (3001, 5),
    "user:set-password": (3001, 3),
    "person:erase": (3001, 99),
    "auth:sign-in": (3002, 1),
    "auth:refresh": (3002, 99),
    "auth:refused": (3002, 1),
    "secret_key:create": (3005, 1),
    "personal:delete": (3005, 2),
    "secret:read": (6003, 2),
    "space:update": (6003, 3),
    "workbook:archive": (6003, 99),
}


def fits(model: type[BaseModel], value: dict[str, Any]) -> bool:
    """Whether a value is an object of the framework; the library wants some of its optional attributes named too."""
    return bool(model(**dict.fromkeys(model.model_fields) | value))


def assert_ocsf(event: dict[str, Any]) -> None:
    """An event of a class we use has what that class requires, and its numbers and names agree."""
    class_uid = event["class_uid"]
    assert OF_ALL | OF_CLASS[class_uid] <= event.keys()
    assert event["category_uid"] == class_uid // 1000
    assert event["type_uid"] == class_uid * 100 + event["activity_id"]
    assert event["type_name"] == f"{event['class_name']}: {event['activity_name']}"
    assert fits(Metadata, event["metadata"])
    assert fits(User, {"account": Account.model_construct(), "name": "-"} | event["actor"]["user"])
    assert fits(API, event.get("api", {"operation": event["metadata"]["event_code"]}))
    assert all(fits(Enrichment, each) for each in event.get("enrichments", []))
    assert event["src_endpoint"].keys() & {"ip", "uid", "name", "hostname"}


@pytest.mark.parametrize(("action", "expected"), ACTIONS.items())
def test_each_kind_of_action_is_an_event_of_its_class(action: str, expected: tuple[int, int]) -> None:
    event = json.loads(sealed_text(row(1, action)))
    assert_ocsf(event)
    assert (event["class_uid"], event["activity_id"]) == expected
    assert (event["status_id"] == 2) is (action == "auth:refused")


def test_the_lines_of_an_export_are_events() -> None:
    lines = [json.loads(line) for line in export_of(KeyRing.generate(), {"server": 2})]
    for event in lines:
        assert_ocsf(event)
    assert [line["message"] for line in lines[2:]] == ["audit:checkpoint", "audit:export"]


def test_a_stranger_gets_the_sealed_text_by_rfc_8785() -> None:
    for line in export_of(KeyRing.generate(), {"server": 3})[:3]:
        event = json.loads(line)
        seal = event.pop("enrichments")[0]
        digest = hashlib.sha256(rfc8785.dumps(event)).digest()
        previous = bytes.fromhex(seal["data"]["previous"])
        assert hashlib.sha256(b"sheetport audit link 1\n" + previous + digest).hexdigest() == seal["value"]


#: JSON as our details have it: any text, ASCII names.
_names = st.text(st.characters(codec="ascii"), max_size=5)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(_values)
def test_our_canonical_json_is_that_of_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_a_sealed_text_never_changes_its_spelling() -> None:
    text = sealed_text(row(7, commitments='{"src_endpoint.ip":"00"}'))
    assert hashlib.sha256(text).hexdigest() == GOLDEN, text.decode()


GOLDEN = "487b5e326670cfbb001bf4eb974a498edadc8262039c24b55efa278f2b7635ee"
