"""What JSON from outside may hold so that every database can keep it, and the paths that name its parts."""

from __future__ import annotations

from typing import Any

from sheetport.kernel.errors import Invalid

MAX_DEPTH = 64


def json_path(at: str, step: str | int) -> str:
    """The path of member or item ``step`` of ``at``: (``sheets``, 0) → ``sheets[0]``, ("", ``a``) → ``a``."""
    if isinstance(step, int):
        return f"{at}[{step}]"
    return f"{at}.{step}" if at else step


def refuse_unstorable(value: Any, at: str) -> None:
    """Refuse NUL characters, which both databases reject in text, and nesting deeper than 64 levels.

    ``at`` is the path of ``value`` in the request, "" for the body. Raises Invalid keyed by the path at fault.
    """
    if not _is_storable(value):
        _refuse_first_fault(value, at)


def _is_storable(value: Any) -> bool:
    """Level by level and without paths, which cost most of the time of a long list."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, str):
                if "\0" in item:
                    return False
            elif isinstance(item, dict):
                if any("\0" in key for key in item):
                    return False
                deeper.extend(item.values())
            elif isinstance(item, list):
                deeper.extend(item)
        if not deeper:
            return True
        level = deeper
    return False


def _refuse_first_fault(value: Any, at: str) -> None:
    pending: list[tuple[Any, str, int]] = [(value, at, 0)]
    while pending:
        item, path, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise Invalid(f"{at or 'The body'}: nest at most {MAX_DEPTH} levels deep.", at or "general")
        if isinstance(item, str):
            if "\0" in item:
                raise Invalid(f"{path or 'The text'} holds a NUL character (\\u0000): remove it.", path or "general")
        elif isinstance(item, dict):
            if any("\0" in key for key in item):
                where = path or "The body"
                raise Invalid(
                    f"{where}: a member's name holds a NUL character (\\u0000): remove it.", path or "general"
                )
            pending.extend((member, json_path(path, key), depth + 1) for key, member in item.items())
        elif isinstance(item, list):
            pending.extend((member, json_path(path, index), depth + 1) for index, member in enumerate(item))
