"""Which handlers an event reaches: the rules of ``@flatfile/listener`` 1.1.2, case by case.

Topics are globs whose segments are separated by ``:``; ``*`` and ``?`` stay inside a segment and
``**`` spans any number of them. A filter is a mapping; every key must match and, where a key holds
a list, one of its values is enough. A key without ``.`` or ``*`` is looked for as the last part of
any path in the event (``job`` finds ``payload.job``); a key with one of them is a glob over the whole path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

JsonObject = Mapping[str, Any]


def matches(event: JsonObject, topic: str | Iterable[Any], filter: Any = None) -> bool:  # noqa: A002 - its wire name
    """Whether a handler registered for ``topic`` and ``filter`` receives ``event`` (the event's JSON)."""
    return topic_matches(event.get("topic"), topic) and filter_matches(visible(event), filter)


def topic_matches(topic: Any, pattern: str | Iterable[Any]) -> bool:
    """Whether the glob ``pattern``, or any one of several, matches the event's ``topic``."""
    if not isinstance(topic, str) or not topic:
        return False
    if isinstance(pattern, str):
        return _glob(pattern or "**", topic)
    return any(_compiled(one, ":").fullmatch(topic) for one in _flat_list(pattern))


def visible(event: JsonObject) -> dict[str, Any]:
    """What filters see: the raw event under ``src`` and the attributes that the npm listener's event has."""
    context = event.get("context")
    action = context.get("actionName") if isinstance(context, Mapping) else None
    return {
        "src": event,
        "domain": event.get("domain"),
        "topic": event.get("topic"),
        "context": context,
        "payload": event.get("payload"),
        "target": _or(event.get("target"), ""),
        "origin": _or(event.get("origin"), {}),
        "action": _or(action, ""),
        "namespace": _or(event.get("namespaces"), []),
        "createdAt": _or(event.get("createdAt"), None),
    }


def filter_matches(seen: JsonObject, condition: Any) -> bool:
    """Whether everything the filter ``condition`` asks for is in ``seen``. An empty filter asks for nothing."""
    if _or(condition, None) is None:
        return True
    if not isinstance(condition, Mapping | list | tuple):
        condition = {"**": condition}
    flat_event = flatten(seen)
    for key, wanted in flatten(condition).items():
        pattern = _compiled(key if "*" in key or "." in key else f"**.{key}", ".")
        values = [value for path, value in flat_event.items() if pattern.fullmatch(path)]
        allowed = wanted if isinstance(wanted, list | tuple) else [wanted]
        if not any(_value_matches(value, one) for value in values for one in allowed):
            return False
    return True


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one level of dotted paths. Lists stay whole, and so do empty mappings."""
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
    flat: dict[str, Any] = {}
    for key, child in pairs:
        path = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(child, Mapping) and child:
            flat |= flatten(child, path)
        else:
            flat[path] = child
    return flat


def _value_matches(value: Any, wanted: Any) -> bool:
    if value is None:
        return wanted is None
    if isinstance(value, list | tuple):
        return any(_value_matches(one, wanted) for one in value)
    if isinstance(wanted, str):
        return _glob(wanted or "**", _text(value))
    # Without the type check Python would take true for 1.
    if isinstance(wanted, bool) or isinstance(value, bool):
        return wanted is value
    return isinstance(wanted, int | float) and isinstance(value, int | float) and float(wanted) == float(value)


def _glob(pattern: str, text: str) -> bool:
    return text != "" and _compiled(pattern, ":").fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str, separator: str) -> re.Pattern[str]:
    """The regular expression of one glob; ``**`` is written so that it cannot backtrack for ever."""
    sep = re.escape(separator)
    segments = pattern.split(separator)
    last = len(segments) - 1
    parts: list[str] = []
    for at, segment in enumerate(segments):
        before_deep = at < last and segments[at + 1] == "**"
        if segment == "**":
            if at == last:
                parts.append(".*" if at == 0 else f"(?:{sep}.*)?")
            elif not before_deep:
                parts.append(f"(?:.*{sep})?" if at == 0 else f"{sep}(?:.*{sep})?")
        elif segment or at == 0:
            ending = f"{sep}*" if at == last else "" if before_deep else f"{sep}+"
            parts.append(_segment(segment, f"[^{sep}]") + ending)
    return re.compile("".join(parts), re.DOTALL)


def _segment(segment: str, any_character: str) -> str:
    """One segment: ``*`` and ``?`` are wild, a backslash takes the next character literally, the rest is itself."""
    out: list[str] = []
    characters = iter(segment)
    for character in characters:
        if character == "\\":
            out.append(re.escape(next(characters, "")))
        elif character in "*?":
            out.append(any_character + ("*" if character == "*" else ""))
        else:
            out.append(re.escape(character))
    return "".join(out)


def _flat_list(patterns: Iterable[Any]) -> Iterable[str]:
    for one in patterns:
        if isinstance(one, str):
            yield one
        else:
            yield from _flat_list(one)


def _or(value: Any, otherwise: Any) -> Any:
    """``value``, or ``otherwise`` where JavaScript takes it for false. An empty list or mapping counts as true."""
    empty = value is None or value is False or value == "" or (isinstance(value, int | float) and value == 0)
    return otherwise if empty else value


def _text(value: Any) -> str:
    """A JSON scalar as JavaScript writes it in a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "[object Object]"
    if isinstance(value, int | float):
        return _number(float(value))
    return str(value)


def _number(value: float) -> str:
    if value == 0:
        return "0"
    shortest = Decimal(repr(value)).normalize()
    exponent = shortest.adjusted()
    if -7 < exponent < 21:
        return format(shortest, "f")
    digits = "".join(map(str, shortest.as_tuple().digits))
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{'-' if value < 0 else ''}{mantissa}e{'+' if exponent > 0 else '-'}{abs(exponent)}"
