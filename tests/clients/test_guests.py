"""Guests and their invitations through both unmodified clients."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatfile
import httpx
import pytest
from flatfile import Flatfile
from flatfile.core.api_error import ApiError

from clients.conftest import Furnished
from clients.programs import run
from servers.commands import PROGRAM

Project = Callable[[str], Path]

#: Prints what npm's client read, as JSON. The token of a guest is then used by a client of its own.
SCRIPT = """
import api, { FlatfileClient } from "@flatfile/api";
const [environmentId, spaceId, workbookId] = process.argv.slice(2);
const config = { environmentId, email: "npm@example.com", name: "By npm", spaces: [{ id: spaceId }] };
const [made] = (await api.guests.create([config])).data;
const listed = (await api.guests.list({ spaceId, email: "npm@example.com" })).data.map((one) => one.id);
const spaces = [{ id: spaceId, workbooks: [{ id: workbookId }] }];
const updated = (await api.guests.update(made.id, { name: "Changed", spaces })).data;
const invited = (await api.guests.invite([{ guestId: made.id, spaceId, fromName: "Joan" }])).data;
const link = new URL(invited.links[0].link).searchParams.get("token");
const exchanged = (await api.users.exchangeToken({ token: link })).data;
const again = (await api.users.exchangeToken({ token: link })).data;
const { token, valid } = (await api.guests.getGuestToken(made.id, { spaceId })).data;
const guest = new FlatfileClient({ token, environment: process.env.FLATFILE_API_URL + "/v1" });
const books = (await guest.workbooks.list({ spaceId })).data.map((one) => one.id);
const refused = await guest.spaces.delete(spaceId).catch((error) => error.statusCode);
const got = (await api.guests.get(made.id)).data;
const deleted = (await api.guests.delete(made.id)).data;
const after = await guest.workbooks.list({ spaceId }).catch((error) => error.statusCode);
console.log(JSON.stringify({ made, listed, updated, exchanged, again, valid, books, refused, got, deleted, after,
  dates: made.createdAt instanceof Date && got.spaces[0].lastAccessed instanceof Date, success: invited.success }));
"""


def test_npms_client(furnished: Furnished, node_project: Project) -> None:
    server, project = furnished.server, node_project("api-1.23.1")
    (project / "guests.mjs").write_text(SCRIPT)
    workbook, development = furnished.workbooks["development"], server.development
    variables = {"FLATFILE_API_KEY": development["secretKey"], "FLATFILE_API_URL": server.url}
    command = [PROGRAM, "run", "--", "node", "guests.mjs", development["id"], furnished.space, workbook]
    seen: dict[str, Any] = json.loads(run(command, project, variables))
    assert seen["listed"] == [seen["made"]["id"]]
    assert (seen["updated"]["name"], seen["got"]["name"]) == ("Changed", "Changed")
    assert seen["updated"]["spaces"][0]["workbooks"] == [{"id": workbook}]
    assert (seen["success"], seen["exchanged"]["valid"], seen["again"]) == (True, True, {"valid": False})
    assert (seen["valid"], seen["books"], seen["refused"]) == (True, [workbook], 403)
    assert (seen["deleted"], seen["after"], seen["dates"]) == ({"success": True}, 401, True)


def test_pypis_client(furnished: Furnished) -> None:
    server, space = furnished.server, furnished.space
    with httpx.Client() as http:
        client = Flatfile(base_url=f"{server.url}/v1", token=server.development["secretKey"], httpx_client=http)
        config = flatfile.GuestConfig(
            environment_id=server.development["id"],
            email="pypi@example.com",
            name="By PyPI",
            spaces=[flatfile.GuestSpace(id=space)],
        )
        (made,) = client.guests.create(request=[config]).data
        assert [one.id for one in client.guests.list(space_id=space, email="pypi@example.com").data] == [made.id]
        assert client.guests.update(made.id, name="Changed").data.name == client.guests.get(made.id).data.name
        invite = flatfile.Invite(guest_id=made.id, space_id=space, message="Welcome")
        invited = client.guests.invite(request=[invite])
        assert invited.data is not None
        assert invited.data.success is True
        token = client.guests.get_guest_token(made.id, space_id=space).data
        assert token.valid is True
        guest = Flatfile(base_url=f"{server.url}/v1", token=token.token, httpx_client=http)
        assert guest.spaces.get(space).data.id == space
        client.guests.delete(made.id)
        with pytest.raises(ApiError) as refused:
            guest.spaces.get(space)
        assert refused.value.status_code == 401
