"""Keys and tokens with a life of their own through both unmodified clients, which know nothing of rotation."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from flatfile import Flatfile

from clients.conftest import Furnished
from clients.programs import run
from servers.commands import PROGRAM
from servers.sheetport import EMAIL, PASSWORD

#: Rotates a new key as any HTTP client does, and prints what npm's client reads of keys and tokens, as JSON.
SCRIPT = """
import { createRequire } from "node:module";
const { FlatfileClient } = createRequire(import.meta.url)("@flatfile/api/dist/Client.js");
const [environmentId, base] = process.argv.slice(2);
const api = new FlatfileClient({ token: process.env.FLATFILE_API_KEY, environment: `${base}/v1` });
const made = (await api.auth.createNewApiKey({ environmentId, type: "SECRET" })).data;
const old = made.find((key) => key.type === "SECRET" && key.rawKey);
const path = `${base}/v1/auth/api-key/rotate?environmentId=${environmentId}&key=${old.id}&overlapSeconds=3600`;
const headers = { Authorization: `Bearer ${process.env.FLATFILE_API_KEY}` };
const rotated = (await (await fetch(path, { method: "POST", headers })).json()).data;
const keys = (await api.auth.getApiKeys({ environmentId })).data;
const shown = keys.filter((key) => [old.id, rotated.id].includes(key.id));
const pat = (await api.auth.createPersonalAccessToken({ name: "npm" })).data;
const tokens = (await api.auth.listPersonalAccessTokens()).data.map((token) => token.name);
const gone = (await api.auth.deletePersonalAccessToken(pat.personalAccessToken.id)).data.success;
await api.auth.deleteApiKey({ environmentId, key: rotated.rawKey });
console.log(JSON.stringify({ both: shown.length, dates: shown.every((key) => key.createdAt instanceof Date),
  operations: shown.map((key) => key.operations.length), named: tokens.includes("npm"), gone }));
"""


def test_npms_client(furnished: Furnished, node_project: Callable[[str], Path]) -> None:
    server, project = furnished.server, node_project("api-1.23.1")
    (project / "keys.mjs").write_text(SCRIPT)
    token = server.request("POST", "/v1/auth", {"email": EMAIL, "password": PASSWORD}).body["accessToken"]
    environment = server.development["id"]
    variables = {"FLATFILE_API_KEY": token, "FLATFILE_API_URL": server.url, "FLATFILE_ENVIRONMENT_ID": environment}
    said = run([PROGRAM, "run", "--", "node", "keys.mjs", environment, server.url], project, variables)
    seen: dict[str, Any] = json.loads(said)
    assert seen == {"both": 2, "dates": True, "operations": [0, 0], "named": True, "gone": True}


def test_pypis_client_lists_events_though_there_are_alerts(furnished: Furnished) -> None:
    server, environment = furnished.server, furnished.server.development["id"]
    token = server.request("POST", "/v1/auth", {"email": EMAIL, "password": PASSWORD}).body["accessToken"]
    key = server.request("POST", f"/v1/auth/api-key?environmentId={environment}&type=SECRET", {"name": "x"}, token)
    doomed = next(one["id"] for one in key.body["data"] if one.get("name") == "x")
    assert server.request("DELETE", f"/v1/auth/credentials/{doomed}", token=token).status == 200
    listed = server.request("GET", f"/v1/events?environmentId={environment}&domain=alert", token=token)
    assert "api-key:revoked" in [event["topic"] for event in listed.body["data"]]
    with httpx.Client() as http:
        client = Flatfile(base_url=f"{server.url}/v1", token=server.development["secretKey"], httpx_client=http)
        assert client.events.list(environment_id=environment, page_size=100).data
