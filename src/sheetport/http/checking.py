"""Checking a JSON object against a wire struct while keeping the object itself.

Configurations come back to clients as they were sent, so the structs only *prove* the object; what
is stored is the object without the members a client sent as null (null means absent). Members no struct
knows are kept untouched and unchecked: a newer client's options must survive a round trip through an
older server.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from sheetport.kernel.errors import Invalid
from sheetport.kernel.storable import json_path, refuse_unstorable

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_MISSING = re.compile(r"Object missing required field `(.+)`")
_NAMES = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "object": "an object"}
_NAMES |= {"array": "an array", "null": "null", "datetime": "an ISO 8601 time"}


def checked(kind: Any, value: Any, at: str) -> Any:
    """``value`` without its null members, proved to fit ``kind`` (a struct, a union of structs or a list).

    ``at`` is the JSON path of ``value`` in the request, "" for the body itself. Raises Invalid whose key is
    the path of the first fault.
    """
    refuse_unstorable(value, at)
    shape = _shape(kind)
    kept = _without_nulls(shape, value)
    try:
        msgspec.convert(kept, kind)
    except msgspec.ValidationError as fault:
        raise _invalid(shape, kept, at, str(fault)) from None
    return kept


def members(kind: type[msgspec.Struct], value: Any, at: str = "") -> dict[str, Any]:
    """The members of ``kind`` that ``value`` has, by their names inside (snake_case), each as it was sent.

    Raises Invalid as :func:`checked` does.
    """
    proved = checked(kind, value, at)
    names = _names(kind)
    return {names[key]: member for key, member in proved.items() if key in names and member is not None}


@cache
def _names(kind: type[msgspec.Struct]) -> dict[str, str]:
    """The names inside of a struct's members, by their names at the wire."""
    return {field.encode_name: field.name for field in msgspec.structs.fields(kind)}


@cache
def _shape(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _without_nulls(shape: inspect.Type, value: Any) -> Any:
    shape = _branch(shape, value)
    if isinstance(shape, inspect.ListType) and isinstance(value, list):
        return [_without_nulls(shape.item_type, item) for item in value]
    if isinstance(shape, inspect.StructType) and isinstance(value, dict):
        members = {field.encode_name: field.type for field in shape.fields}
        return {
            key: _without_nulls(members[key], member) if key in members else member
            for key, member in value.items()
            if member is not None or key not in members
        }
    return value


def _branch(shape: inspect.Type, value: Any) -> inspect.Type:
    """The member of a union that ``value`` must fit: by its tag, or the only one that is not null."""
    if not isinstance(shape, inspect.UnionType):
        return shape
    branches = [branch for branch in shape.types if not isinstance(branch, inspect.NoneType)]
    for branch in branches:
        if isinstance(branch, inspect.StructType) and branch.tag_field and isinstance(value, dict):
            if value.get(branch.tag_field) == branch.tag:
                return branch
        elif len(branches) == 1:
            return branch
    return shape


def _invalid(shape: inspect.Type, value: Any, at: str, fault: str) -> Invalid:
    reason, _, path = fault.partition(" - at `$")
    steps = [name or int(index) for name, index in _STEP.findall(path.rstrip("`"))]
    missing = _MISSING.match(reason)
    if missing:
        steps.append(missing[1])
    key = at
    for step in steps:
        key = json_path(key, step)
    subject = key or "The body"
    allowed = _allowed(shape, value, steps)
    if missing:
        return Invalid(f"{subject} is required{f' (one of {allowed})' if allowed else ''}.", key)
    if allowed:
        return Invalid(f"{subject} cannot be {repr(_at(value, steps))[:80]}: use one of {allowed}.", key)
    return Invalid(f"{subject}: {_plain(reason)}.", key or "general")


def _at(value: Any, steps: list[Any]) -> Any:
    for step in steps:
        value = value[step]
    return value


def _allowed(shape: inspect.Type, value: Any, steps: list[Any]) -> str:
    """The values the member at ``steps`` may take, comma-separated; "" when it is not a choice."""
    for step in steps:
        branch = _branch(shape, value)
        if isinstance(branch, inspect.UnionType):
            return ", ".join(str(b.tag) for b in branch.types if isinstance(b, inspect.StructType))
        if isinstance(branch, inspect.ListType):
            shape = branch.item_type
        elif isinstance(branch, inspect.StructType):
            members = {field.encode_name: field.type for field in branch.fields}
            if step not in members:
                return str(branch.tag) if step == branch.tag_field else ""
            shape = members[step]
        value = value[step] if isinstance(value, list) else value.get(step)
    branch = _branch(shape, value)
    return ", ".join(map(str, branch.values)) if isinstance(branch, inspect.LiteralType) else ""


def _plain(reason: str) -> str:
    """msgspec's ``Expected `int | null`, got `str``` in words a client's author reads."""

    def words(match: re.Match[str]) -> str:
        kinds = [kind for kind in match[1].split(" | ") if kind != "null"] or ["null"]
        if "float" in kinds and "int" in kinds:
            kinds.remove("int")
        return " or ".join(_NAMES.get(kind, kind) for kind in kinds)

    text = re.sub(r"`([^`]+)`", words, reason)
    return text[:1].lower() + text[1:]
