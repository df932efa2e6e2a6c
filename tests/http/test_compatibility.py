"""What is said of each operation of the public clients is what this server does, and what it does not do is a 501."""

from __future__ import annotations

import itertools
import re

from architecture.envelopes import error_fault
from compatibility_page import PAGE_PATH, as_file, as_page
from sheetport.http.operations import OPERATIONS_PATH, Operation, operation_at, operations
from verification import described, verify
from worlds import World

#: How to write both files anew.
WRITE = "run scripts/compatibility.py"


def path_of(operation: Operation, prefix: str = "") -> str:
    """The operation's path with ids that nothing has."""
    return prefix + re.sub(r"\{[^}]*\}", "us_xx_0000nothing", operation.path)


async def written(world: World) -> list[str]:
    """The ids of all events and audit records."""
    return [each["id"] for each in (*await world.events(), *await world.audits())]


async def test_what_is_said_is_what_the_server_answers(world: World) -> None:
    found = await verify(world)
    assert {one.name: one for one in found} == {one.name: one for one in operations()}, WRITE
    assert OPERATIONS_PATH.read_bytes() == as_file(found), WRITE
    assert PAGE_PATH.read_text() == as_page(found), WRITE


def test_every_method_of_the_clients_is_listed() -> None:
    assert len(operations()) == len(described()) == 276
    assert sum(len(one.npm) for one in operations()) == 279
    assert sum(one.python is not None for one in operations()) == 181
    assert all(bool(one.reason) == ("partly" in {one.npm_verdict, one.python_verdict}) for one in operations())


async def test_what_is_not_there_answers_501_with_a_link_and_changes_nothing(world: World) -> None:
    missing = [one for one in operations() if one.npm_verdict == "no"]
    assert missing
    before = sorted(await written(world))
    for one, prefix in itertools.product(missing, ("", "/api")):
        body = None if one.method == "GET" else {"name": "new"}
        reply = await world.call(one.method, path_of(one, prefix), body)
        assert (reply.status, error_fault(400, reply.body)) == (501, None), one
        assert reply.error["key"] == "operation"
        assert one.name in reply.error["message"]
        assert f"/reference/compatibility#{one.name} " in reply.error["message"]
        assert (await world.call(one.method, path_of(one, prefix), body, token="")).status == 401, one
    assert sorted(await written(world)) == before


async def test_what_is_there_is_no_501(world: World) -> None:
    for one in operations():
        if one.npm_verdict != "no":
            assert (await world.call(one.method, path_of(one), token=world.pk)).status != 501, one


async def test_other_paths_and_methods_stay_unknown(world: World) -> None:
    assert (await world.call("GET", "/v1/nothing")).status == 404
    assert (await world.call("PUT", "/v1/environments", {})).status == 405
    assert (await world.call("PUT", "/v1/agents/us_ag_1", {})).status == 405, "no client has this method there"


def test_an_operation_is_found_by_its_route_whatever_its_parameters_are_called() -> None:
    found = operation_at("GET", "/v1/spaces/{space_id}")
    assert found is not None
    assert found.name == "spaces.get"
    assert operation_at("GET", "/v1/nothing") is None
