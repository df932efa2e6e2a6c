"""Documents and actions through both unmodified clients, which read one action's answer in different places."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatfile
import httpx
from flatfile import Flatfile

from clients.conftest import Furnished
from clients.programs import run
from servers.commands import PROGRAM

Project = Callable[[str], Path]

#: Prints what npm's client read, as JSON.
SCRIPT = """
import api from "@flatfile/api";
const [spaceId, targetId] = process.argv.slice(2);
const config = { title: "By npm", body: "# One", actions: [{ operation: "sign", label: "Sign" }] };
const document = (await api.documents.create(spaceId, config)).data;
const changed = (await api.documents.update(spaceId, document.id, { title: "Changed", body: "# Two" })).data;
const listed = (await api.documents.list(spaceId)).data.map((one) => one.title);
const made = (await api.actions.create({ spaceId, body: { operation: "go", label: "Go", targetId } })).data;
const body = [{ operation: "stay", label: "Stay", targetId: document.id }];
const [bulk] = await api.actions.bulkCreate({ spaceId, body });
const updated = (await api.actions.update(made.id, { label: "Gone" })).data;
const got = (await api.actions.get(made.id)).data;
const all = (await api.actions.getAll({ spaceId })).map((action) => action.label).sort();
await api.actions.delete(bulk.id);
const shown = (await api.documents.get(spaceId, document.id)).data.actions.map((action) => action.label);
await api.documents.delete(spaceId, document.id);
const entitlements = (await api.entitlements.list({ resourceId: spaceId })).data;
console.log(JSON.stringify({ made, updated, got, all, shown, listed, entitlements, title: changed.title,
  dates: [made.createdAt instanceof Date, document.createdAt instanceof Date], bulk: bulk.targetId === document.id }));
"""


def test_npms_client(furnished: Furnished, node_project: Project) -> None:
    server, project = furnished.server, node_project("api-1.23.1")
    (project / "actions.mjs").write_text(SCRIPT)
    workbook = furnished.workbooks["development"]
    variables = {"FLATFILE_API_KEY": server.development["secretKey"], "FLATFILE_API_URL": server.url}
    said = run([PROGRAM, "run", "--", "node", "actions.mjs", furnished.space, workbook], project, variables)
    seen: dict[str, Any] = json.loads(said)
    assert (seen["title"], seen["listed"], seen["entitlements"]) == ("Changed", ["Changed"], [])
    assert (seen["made"]["label"], seen["made"]["targetId"]) == ("Go", workbook)
    assert seen["updated"]["label"] == seen["got"]["label"] == "Gone"
    assert seen["updated"]["id"] == seen["got"]["id"] == seen["made"]["id"]
    assert seen["all"] == ["Gone", "Sign", "Stay", "Submit"]
    assert (seen["shown"], seen["dates"], seen["bulk"]) == (["Sign"], [True, True], True)


def test_pypis_client(furnished: Furnished) -> None:
    server = furnished.server
    with httpx.Client() as http:
        client = Flatfile(base_url=f"{server.url}/v1", token=server.development["secretKey"], httpx_client=http)
        space = client.spaces.create(name="By Python", environment_id=server.development["id"]).data.id
        sign = flatfile.Action(operation="sign", label="Sign")
        document = client.documents.create(space, title="By PyPI", body="# One", actions=[sign]).data
        assert client.documents.update(space, document.id, title="Changed", body="x").data.title == "Changed"
        assert [one.title for one in client.documents.list(space).data] == ["Changed"]
        made = client.actions.create(space_id=space, target_id=space, label="Go", operation="go")
        wanted = flatfile.ApiActionConfig(target_id=document.id, label="Stay", operation="stay")
        (bulk,) = client.actions.bulk_create(space_id=space, request=[wanted])
        assert client.actions.update(made.id, label="Gone").label == client.actions.get(made.id).label == "Gone"
        labels = [action.label for action in client.actions.get_all(space_id=space)]
        assert sorted(labels) == ["Gone", "Sign", "Stay"]
        client.actions.delete(bulk.id)
        shown = client.documents.get(space, document.id).data.actions or []
        assert [action.label for action in shown] == ["Sign"]
        client.documents.delete(space, document.id)
        assert client.entitlements.list(resource_id=space).data == []
        fields = [flatfile.Property_String(type="string", key="a")]
        sheet = flatfile.SheetConfig(name="S", slug="s", fields=fields)
        book = client.workbooks.create(name="W", space_id=space, sheets=[sheet]).data
        assert client.versions.create_id(sheet_id=(book.sheets or [])[0].id).data.version_id
