"""Requests that no client sends: drawn from our API description, and good ones with one spot bent.

``{name}`` stands for a thing of a scene wherever an id is drawn, so that most requests get past the look-up of ids.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from unittest import SkipTest
from urllib.parse import parse_qsl

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core import NOT_SET

from permission_table import Row

Document = dict[str, Any]
_JSON = {"Content-Type": "application/json"}
#: What stands for the ids of a query or body under another name than the thing has.
_ALIASES = {
    "source": "workbook_id",
    "target_id": "workbook_id",
    "resource_id": "space_id",
    "space_ids": "space_id",
    "scope": "space_id",
    "ids": "record_id",
    "key": "key_id",
    "tenant_id": "account_id",
    "parent_id": "job_id",
    "file_id": "record_id",
    "primary_workbook_id": "workbook_id",
    "version_id": "commit_id",
    "since_version_id": "commit_id",
    "since_commit_id": "commit_id",
    "parent_version_id": "commit_id",
    "subscribe_key": "subscribe_key",
    "channel": "channel",
    "auth": "subscription_token",
    "name": "name",
    "publishable_key": "publishable_key",
}
_THINGS = (
    *("account", "user", "environment", "space", "workbook", "sheet", "record", "commit", "job", "document", "action"),
    *("event", "secret", "app", "access_token"),
)
NAMES = {f"{thing}_id": f"{thing}_id" for thing in _THINGS} | _ALIASES
#: Values that have broken servers before.
ODD: tuple[Any, ...] = (
    *("", " ", "\0", "a\0b", "\ud800", "\u202e", "💥" * 40, "x" * 5_000, "null", "true", "-1", "1e400", "..", "%", "'"),
    *("2026-02-30T25:61:00Z", "9999-12-31T23:59:59.999999999-23:59", "us_xx_0000nothing", "us_sp_\ud800"),
    *(0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**40, 1.5, -0.0, 1e308),
    *(True, False, None, [], {}, [None], [[]], [{}], {"": None}, {"\0": "\0"}, {"\ud800": 1}, ["a"] * 300),
)


@dataclass(frozen=True)
class Shot:
    """A request without its token. ``route`` is named as in our description; ``body`` None sends none."""

    route: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]


def examples(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """``count`` examples at most, the same ones each time, without looking for the smallest."""
    made: list[Any] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(example: Any) -> None:
        made.append(example)

    draw()
    return made


def drawn(document: Document, count: int, every: int = 1) -> Iterator[Shot]:
    """``count`` requests of one of ``every`` routes as the description has them, and as many that break it."""
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(document)))
    for result in islice(schema.get_all_operations(), 0, None, every):
        operation = result.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                cases = examples(operation.as_strategy(generation_mode=mode), count)
            except (SkipTest, Unsatisfiable):  # what takes no parameter cannot be asked wrongly
                assert mode is GenerationMode.NEGATIVE, operation.label
                continue
            yield from (_shot(operation.label, case, number) for number, case in enumerate(cases))


def _shot(label: str, case: Any, number: int) -> Shot:
    known = number % 4 != 3  # the fourth keeps the ids it was drawn with
    parameters = {name: _named(name, value, known) for name, value in (case.path_parameters or {}).items()}
    path = re.sub(r"\{(\w+)\}", lambda found: parameters[found[1]], case.path)
    query = [pair for name, value in (case.query or {}).items() for pair in _pairs(name, value, known)]
    headers = {name: str(value) for name, value in (case.headers or {}).items() if name.lower() != "authorization"}
    headers = {name: value for name, value in headers.items() if value.isascii() and value.isprintable()}
    if case.body is NOT_SET:
        return Shot(label, path, query, headers)
    body = case.body if isinstance(case.body, bytes) else json.dumps(_placed(case.body, known)).encode()
    return Shot(label, path, query, headers | {"Content-Type": case.media_type or "application/json"}, body)


def _pairs(name: str, value: Any, known: bool) -> list[tuple[str, str]]:
    values = value if isinstance(value, list) else [value]
    return [(name, _named(name, each if isinstance(each, str) else json.dumps(each), known)) for each in values]


def _named(name: str, value: str, known: bool) -> str:
    thing = NAMES.get(_snake(name))
    return f"{{{thing}}}" if known and thing else value


def _placed(value: Any, known: bool) -> Any:
    """A body with things of the scene where ids were drawn."""
    if isinstance(value, dict):
        return {
            key: _named(key, each, known) if isinstance(each, str) else _placed(each, known)
            for key, each in value.items()
        }
    return [_placed(each, known) for each in value] if isinstance(value, list) else value


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), name)


def bent(rows: Sequence[Row], document: Document, count: int) -> Iterator[Shot]:
    """Good requests, ``count`` times each with one odd value in the body, and as often in the query."""
    described = {
        _plain(f"{method.upper()} {path}"): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    for row in rows:
        query, path = parse_qsl(row.query.removeprefix("?")), row.route.partition(" ")[2]
        spots = list(_spots(row.body))
        for spot, odd in examples(st.tuples(st.sampled_from(spots), st.sampled_from(ODD)), count) if spots else ():
            content = json.dumps(_with(row.body, spot, odd)).encode()
            yield Shot(row.route, path, query, _JSON, content)
        names = [p["name"] for p in described[_plain(row.route)].get("parameters", ()) if p["in"] == "query"]
        for name, odd in examples(st.tuples(st.sampled_from(names), st.sampled_from(ODD)), count) if names else ():
            other = [pair for pair in query if pair[0] != name]
            content = None if row.body is None else json.dumps(row.body).encode()
            yield Shot(row.route, path, [*other, (name, _text(odd))], _JSON if content else {}, content)


def _spots(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a value can be replaced: the whole, and each member of it."""
    if value is not None or at:
        yield at
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in members:
        yield from _spots(each, (*at, key))


def _with(value: Any, spot: tuple[Any, ...], odd: Any) -> Any:
    if not spot:
        return odd
    copy = value.copy()
    copy[spot[0]] = _with(value[spot[0]], spot[1:], odd)
    return copy


def _text(odd: Any) -> str:
    text = odd if isinstance(odd, str) else json.dumps(odd)
    return text.encode(errors="replace").decode()


def _plain(route: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", route)
