"""A record as an event of the Open Cybersecurity Schema Framework (OCSF) 1.5, in RFC 8785 canonical JSON.

What is made here is sealed: format 1 never changes. Another spelling gets another number, and old records keep theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from sheetport.kernel.json import loads

VERSION = "1.5.0"
FORMAT = 1
_PRODUCT = {"name": "Sheetport", "vendor_name": "Sheetport"}
_CATEGORIES = {3: "Identity & Access Management", 6: "Application Activity"}
_CLASSES = {3001: "Account Change", 3002: "Authentication", 3005: "User Access Management", 6003: "API Activity"}
_OTHER = (99, "Other")
_ACCOUNT_CHANGES = {
    "create": (1, "Create"),
    "enable": (2, "Enable"),
    "set-password": (3, "Password Change"),
    "reset-password": (4, "Password Reset"),
    "disable": (5, "Disable"),
    "delete": (6, "Delete"),
}
_AUTHENTICATIONS = {"sign-in": (1, "Logon"), "sign-out": (2, "Logoff"), "refused": (1, "Logon")}
_ACCESS = {
    **dict.fromkeys(("create", "assign"), (1, "Assign Privileges")),
    **dict.fromkeys(("delete", "remove"), (2, "Revoke Privileges")),
}
_CALLS = {"create": (1, "Create"), "read": (2, "Read"), "update": (3, "Update"), "delete": (4, "Delete")}
#: The class and activities of an action ``noun:verb``, by its noun; all others are API Activity.
_BY_NOUN: dict[str, tuple[int, dict[str, tuple[int, str]]]] = {
    **dict.fromkeys(("user", "guest", "person", "setup-link", "invitation-link"), (3001, _ACCOUNT_CHANGES)),
    **dict.fromkeys(("auth",), (3002, _AUTHENTICATIONS)),
    **dict.fromkeys(
        ("secret_key", "publishable_key", "personal", "access", "client", "role", "grant"), (3005, _ACCESS)
    ),
}
_canonical = msgspec.json.Encoder(order="deterministic").encode


def canonical(value: Any) -> bytes:
    """RFC 8785 JSON of objects with ASCII names, texts, whole numbers below 2**53, booleans, nulls and lists."""
    return _canonical(value)


def sealed_text(row: Mapping[str, Any]) -> bytes:
    """The text of an audit record's row that its chain seals."""
    action: str = row["action"]
    noun, _, verb = action.partition(":")
    class_uid, activities = _BY_NOUN.get(noun, (6003, _CALLS))
    activity_id, activity = activities.get(verb, _OTHER)
    refused = verb == "refused"
    event: dict[str, Any] = {
        "activity_id": activity_id,
        "activity_name": activity,
        "actor": {
            "user": {
                "credential_uid": row["token_id"],
                "type": row["actor_kind"],
                "type_id": 99,
                "uid": row["actor_id"],
            }
        },
        "category_name": _CATEGORIES[class_uid // 1000],
        "category_uid": class_uid // 1000,
        "class_name": _CLASSES[class_uid],
        "class_uid": class_uid,
        "message": action,
        "metadata": {
            "event_code": action,
            "product": _PRODUCT,
            "tenant_uid": row["account_id"],
            "uid": row["id"],
            "version": VERSION,
        },
        "severity": "Low" if refused else "Informational",
        "severity_id": 2 if refused else 1,
        "src_endpoint": {"name": row["agent"] or "server"},
        "status": "Failure" if refused else "Success",
        "status_id": 2 if refused else 1,
        "time": row["created_at"],
        "type_name": f"{_CLASSES[class_uid]}: {activity}",
        "type_uid": class_uid * 100 + activity_id,
        "unmapped": _unmapped(row),
    }
    if row["request_id"]:
        event["metadata"]["correlation_uid"] = row["request_id"]
    event.update(_of_class(class_uid, noun, row))
    return _canonical(event)


def find_sealed_text(row: Mapping[str, Any]) -> bytes | None:
    """:func:`sealed_text`; None for a row that was changed into what no record is."""
    try:
        return sealed_text(row)
    except (msgspec.MsgspecError, AttributeError, TypeError, ValueError):
        return None


def _of_class(class_uid: int, noun: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """What the class needs beside what all have."""
    target = row["target"]
    if class_uid == 6003:
        made: dict[str, Any] = {"api": {"operation": row["action"]}}
        if target:
            made["resources"] = [{"type": noun, "uid": target}]
        return made
    if class_uid == 3005:
        return {"privileges": [noun], "user": {"type_id": 99, "uid": row["actor_id"]}}
    whose = target if class_uid == 3001 and target else row["actor_id"]
    return {"user": {"type_id": 99, "uid": whose}}


def _unmapped(row: Mapping[str, Any]) -> dict[str, Any]:
    """What OCSF has no place for."""
    made = {"environment_id": row["environment_id"], "target": row["target"], "subject": row["subject"]}
    made = {name: value for name, value in made.items() if value}
    for name in ("detail", "commitments"):
        if row[name]:
            made[name] = loads(row[name])
    return made
