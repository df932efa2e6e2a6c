"""What this server answers to each operation of the public clients, found out by calling it.

A route's answer to the good call of its row in permission_table.py is held against the clients' description and read by
the model of PyPI ``flatfile``, which is what that client does with it.
"""

from __future__ import annotations

import json
import typing
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from flatfile.core.pydantic_utilities import parse_obj_as
from pydantic import ValidationError

from architecture.envelopes import Document, operations, resolve
from documented import answer_faults
from permission_table import ROWS, Row
from scene import Scene
from sheetport.bootstrap import ROUTERS
from sheetport.http.front import one_spelling
from sheetport.http.openapi import openapi_document
from sheetport.http.operations import Method, Operation, Verdict, plain
from wire_shapes import DESCRIPTION
from worlds import PASSWORD, Reply, World

#: Calls of routes that are no bearer's, or that no row's caller may make.
SIGN_IN = {"email": "admin@example.com", "password": PASSWORD}
#: Routes whose good call is no success yet, and why, in the reader's words.
WITHOUT_SUCCESS = {
    "GET /v1/jobs/{}/plan": "Mapping jobs are not run yet, so no job has a plan: it answers 404.",
    "PUT /v1/jobs/{}/plan": "Mapping jobs are not run yet, so no job has a plan: it answers 404.",
    "PATCH /v1/jobs/{}/plan": "Mapping jobs are not run yet, so no job has a plan: it answers 404.",
}


@dataclass(frozen=True)
class Described:
    """An operation as the clients' description has it."""

    method: Method
    path: str
    npm: tuple[str, ...]
    python: str | None
    query: frozenset[str]

    @property
    def route(self) -> str:
        """ "METHOD path" without the names of parameters, spelled as our router does."""
        return f"{self.method} {plain(one_spelling(self.path))}"


@cache
def described() -> tuple[Described, ...]:
    """Every operation there is, in the order of the description."""
    document = json.loads(DESCRIPTION.read_text())
    return tuple(
        Described(
            method=method.upper(),
            path=path,
            npm=(told["operationId"], *(alias["operationId"] for alias in told.get("x-aliases", ()))),
            python=told.get("x-python-method"),
            query=frozenset(query_of(document, told)),
        )
        for method, path, told in operations(document)
    )


def query_of(document: Document, operation: dict[str, Any]) -> list[str]:
    """The names of an operation's query parameters."""
    told = [resolve(document, parameter) for parameter in operation.get("parameters", ())]
    return [parameter["name"] for parameter in told if parameter["in"] == "query"]


async def verify(world: World) -> list[Operation]:
    """Each operation with the verdict on what this server answers."""
    scene = Scene(world)
    await scene.build()
    served = taken()
    rows = {plain(row.route): row for row in ROWS}
    found = []
    for one in described():
        if one.route not in served:
            found.append(_judged(one, "no", "no", ""))
            continue
        row = rows.get(one.route)
        reply = await _call(scene, one, row)
        found.append(_judge(one, reply))
        if row is not None and row.spends and reply is not None:
            await scene.build()
    return found


@cache
def taken() -> dict[str, frozenset[str]]:
    """ "METHOD path" of each route of ours, and the query parameters it takes."""
    document = openapi_document(ROUTERS)
    return {
        f"{method.upper()} {plain(path)}": frozenset(query_of(document, told))
        for method, path, told in operations(document)
    }


async def _call(scene: Scene, one: Described, row: Row | None) -> Reply | None:
    """The answer to a good call; None where nobody can make one."""
    world = scene.world
    if one.route in {"POST /v1/auth", "POST /v1/auth/refresh-token"}:
        signed_in = await world.call("POST", "/v1/auth", SIGN_IN, token="")
        token = signed_in.body["accessToken"]
        return signed_in if one.route == "POST /v1/auth" else await world.call("POST", one.path, token=token)
    if one.route == "POST /v1/invitations/exchange":
        return await world.call("POST", one.path, {"spaceId": scene.things["space_id"]}, token="")
    assert row is not None, f"{one.route} has no row in permission_table.py"
    actor = next((actor for actor, status in row.expected().items() if status == 200), None)
    return None if actor is None else await scene.call(row, scene.tokens[actor])


def _judge(one: Described, reply: Reply | None) -> Operation:
    if reply is None:
        return _judged(one, "partly", "partly", WITHOUT_SUCCESS[one.route])
    assert reply.status == 200, (one.route, reply.body)
    faults = answer_faults(one.method.lower(), one.path, reply.body)
    assert faults == [], (one.route, faults)
    if missing := sorted(one.query - taken()[one.route]):
        return _judged(one, "partly", "partly", f"Without the parameters {', '.join(missing)}.")
    unread = _unread(one.python, reply.body) if one.python else ""
    return _judged(one, "yes", "partly" if unread else "yes", unread)


def _judged(one: Described, npm: Verdict, python: Verdict, reason: str) -> Operation:
    return Operation(
        method=one.method,
        path=one_spelling(one.path),
        npm=list(one.npm),
        npm_verdict=npm,
        python=one.python,
        python_verdict=python if one.python else None,
        reason=reason,
    )


def _unread(method: str, body: Any) -> str:
    """Why the client's model of the method's answer cannot read the body; "" when it can."""
    if isinstance(body, str):
        return ""  # a file, which the client hands on as it is
    slice_, _, name = method.rpartition(".")
    module = import_module(f"flatfile.{slice_}.client")
    client = next(getattr(module, kind) for kind in dir(module) if kind.startswith("Async") and kind.endswith("Client"))
    answer = typing.get_type_hints(getattr(client, name), vars(module))["return"]
    try:
        parse_obj_as(answer, body)
    except ValidationError as fault:
        return f"Its Python model refuses the answer: {fault.errors()[0]['msg']}"
    return ""
