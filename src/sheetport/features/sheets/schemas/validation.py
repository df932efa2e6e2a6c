"""Checking a JSON object against a wire struct while keeping the object itself.

Sheet configurations come back to clients as they were sent, so the structs only *prove* the object; what
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

MAX_DEPTH = 64
_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1
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


def join(at: str, step: str | int) -> str:
    """The JSON path of member or item ``step`` of ``at``: ``sheets``, 0 → ``sheets[0]``."""
    if isinstance(step, int):
        return f"{at}[{step}]"
    return f"{at}.{step}" if at else step


def refuse_unstorable(value: Any, at: str) -> None:
    """Refuse what a database or JSON itself cannot give back: NUL, integers over 64 bits, absurd depth."""
    pending: list[tuple[Any, str, int]] = [(value, at, 0)]
    while pending:
        item, path, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise Invalid(f"Nest at most {MAX_DEPTH} levels deep.", at or "general")
        if isinstance(item, str):
            if "\0" in item:
                raise Invalid(f"{path or 'The text'} holds a NUL character (\\u0000): remove it.", path or "general")
        elif isinstance(item, dict):
            if any("\0" in key for key in item):
                raise Invalid("A member name holds a NUL character (\\u0000): remove it.", path or "general")
            pending.extend((member, join(path, key), depth + 1) for key, member in item.items())
        elif isinstance(item, list):
            pending.extend((member, join(path, index), depth + 1) for index, member in enumerate(item))
        elif isinstance(item, int) and not _INT_MIN <= item <= _INT_MAX:
            raise Invalid(f"{path} is a whole number over 64 bits: send it as text.", path or "general")


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
        key = join(key, step)
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
