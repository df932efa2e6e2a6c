"""What the client tests of a module share: one server, with something in each of its environments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from servers.data_places import DataPlace
from servers.sheetport import SheetportServer


@dataclass(frozen=True)
class Furnished:
    """A running server; ``workbooks`` has the id of one workbook per environment, ``space`` is development's."""

    server: SheetportServer
    space: str
    workbooks: dict[str, str]


def add(server: SheetportServer, path: str, body: dict[str, Any], environment: str = "development") -> dict[str, Any]:
    """POSTs ``body`` with the environment's secret key; the thing it made."""
    answer = server.request("POST", path, body, server.environments[environment]["secretKey"])
    assert answer.status == 200, answer
    return dict(answer.body["data"])


def add_workbook(server: SheetportServer, environment: str = "development") -> tuple[str, str]:
    """The ids of a new space and of the workbook in it."""
    space = add(server, "/v1/spaces", {"name": f"Of {environment}"}, environment)["id"]
    sheet = {"name": "People", "slug": "people", "fields": [{"key": "email", "type": "string"}]}
    submit = {"operation": "submitAction", "label": "Submit", "mode": "foreground", "primary": True}
    body = {"name": "Book", "spaceId": space, "sheets": [sheet], "actions": [submit]}
    return space, add(server, "/v1/workbooks", body, environment)["id"]


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    """A server of this module on SQLite; a test leaves what others see as it was."""
    folder = tmp_path_factory.mktemp("furnished")
    server = SheetportServer(DataPlace("sqlite", folder / "data", None))
    server.start()
    try:
        space, development = add_workbook(server)
        _, production = add_workbook(server, "production")
        yield Furnished(server, space, {"development": development, "production": production})
    finally:
        server.stop()
