"""Calls from one side that name what is on the other, made from our own document and the rows of permission_table.py.

A side is a ``Scene``: an environment with one of each thing and a token of every kind. The calls of a row name the
other side's things in every place, and then in each place alone, beside the caller's own; each query parameter that our
document has for an id names one of the other side's as well.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from architecture.envelopes import Document, operations
from permission_table import ROWS, Row
from scene import OF_ACCOUNT, Scene
from sheetport.http.operations import plain
from worlds import Reply

#: Tokens that open nothing, whatever they name.
DEAD = ("none", "revoked", "expired", "subscription")
#: Whose bearer is a user.
USERS = ("user", "password", "client")
#: Query parameters for ids that are not called so, or by another name than the thing has.
NAMED = {
    "app": "app_id",
    "fileId": "workbook_id",
    "ids": "record_id",
    "key": "key_id",
    "parentId": "job_id",
    "resourceId": "space_id",
    "scope": "environment_id",
    "since": "event_id",
    "sinceCommitId": "commit_id",
    "sinceVersionId": "commit_id",
    "source": "job_id",
    "spaceIds": "space_id",
    "tenantId": "account_id",
    "versionId": "commit_id",
}
#: Query parameters for ids of the outside, which nothing of ours has.
OUTSIDE = {"actorId", "lastEventId"}
_numbers = itertools.count(1)
_PLACE = re.compile(r"\{(\w+_id)\}")


@dataclass(frozen=True)
class Side:
    """Who calls: a scene and the further tokens that its account has."""

    scene: Scene
    tokens: dict[str, str]


@dataclass(frozen=True)
class Crossing:
    """One call: the row it comes from, and what it names of the other side (``all``, or one place)."""

    row: Row
    names: str
    path: str
    body: Any


def rows_of(document: Document) -> dict[str, Row]:
    """The row of each route of the document that takes a bearer token. A route without one is left out."""
    rows = {plain(row.route): row for row in ROWS}
    routes = [f"{method.upper()} {plain(path)}" for method, path, _ in operations(document)]
    return {route: rows[route] for route in routes if route in rows}


def calls_of(row: Row, queries: list[str], caller: Scene, other: Scene) -> Iterator[Crossing]:
    """The calls of a row; ``queries`` are the names of the query parameters that our document has for it."""
    text = row.route.partition(" ")[2] + row.query + "\0" + json.dumps(row.body)
    places = list(_PLACE.finditer(text))
    shared = _shared(caller, other)
    foreign = [place for place in places if place[1] not in shared]
    yield _crossing(row, "all", text, {place.start() for place in foreign}, caller, other)
    if len(places) > 1:
        for place in foreign:
            yield _crossing(row, f"{place[1]} at {place.start()}", text, {place.start()}, caller, other)
    for name in queries:
        thing = NAMED.get(name, re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name))
        if name in OUTSIDE or f"{name}=" in row.query or thing not in other.things or thing in shared:
            continue
        query = f"{row.query}{'&' if row.query else '?'}{name}={{{thing}}}"
        more = row.route.partition(" ")[2] + query + "\0" + json.dumps(row.body)
        yield _crossing(row, f"?{name}", more, {more.rindex(f"{{{thing}}}", 0, more.index("\0"))}, caller, other)


def _crossing(row: Row, names: str, text: str, foreign: set[int], caller: Scene, other: Scene) -> Crossing:
    def fill(found: re.Match[str]) -> str:
        if found[1] == "unique":
            return f"unique{next(_numbers)}"
        return (other if found.start() in foreign else caller).things[found[1]]

    path, _, body = re.sub(r"\{(\w+)\}", fill, text).partition("\0")
    return Crossing(row, names, path, json.loads(body))


def _shared(caller: Scene, other: Scene) -> tuple[str, ...]:
    """What both sides have, because they are of one account."""
    return OF_ACCOUNT if caller.things["account_id"] == other.things["account_id"] else ()


def expected(kind: str, crossing: Crossing, *, same_account: bool) -> set[int]:
    """The statuses that a call which names only the other side's things may be answered with."""
    if kind in DEAD:
        return {401}
    table = crossing.row.expected()
    names_something = _PLACE.search(crossing.row.route + crossing.row.query + json.dumps(crossing.row.body))
    if kind == "publishable":
        return {404} if names_something and table[kind] != 403 else {table[kind]}
    if kind in USERS:
        if table["user"] != 200:  # for want of something in the table's scene that some users have
            return {table["user"], 200, 400, 404}
        return {404} if names_something else {200, 409}
    column = "other_space" if kind == "space" else "other_environment" if same_account else "other_account"
    return {table[column]}


def told(other: Scene, text: str, asked: str, shared: tuple[str, ...] = ()) -> list[str]:
    """What of the other side stands in a text: things by their ids, unless the caller named them, or its mark."""
    ids = {value: name for name, value in other.things.items() if name.endswith("_id") and name not in shared}
    found = [name for value, name in ids.items() if value in text and value not in asked]
    if "app_id" in shared:
        text = text.replace(f"{other.mark}App", "")
    return found + (["its mark"] if other.mark in text else [])


def leaks(crossing: Crossing, reply: Reply, caller: Scene, other: Scene) -> list[str]:
    """What of the other side an answer gives away."""
    asked = crossing.path + json.dumps(crossing.body)
    return told(other, json.dumps(reply.body), asked, _shared(caller, other))
