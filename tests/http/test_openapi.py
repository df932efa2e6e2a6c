"""Our OpenAPI document: every route once, valid, named as the clients name it, public, and made only when asked for."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from litestar.routes import HTTPRoute
from openapi_spec_validator import OpenAPIV31SpecValidator

from architecture.envelopes import Document, operations, resolve
from architecture.sources import ROOT
from sheetport.bootstrap import ROUTERS
from sheetport.http.examples import EXAMPLES
from sheetport.http.openapi import openapi_document
from sheetport.http.operations import plain
from sheetport.http.unsupported import UNSUPPORTED
from worlds import World

REFERENCE = json.loads((ROOT / "tests" / "data" / "openapi.json").read_text())
#: What a browser asks for: pages, the forms on them and their files. They are no API.
PAGES = {
    "GET /",
    "POST /sign-in",
    "POST /sign-out",
    "GET /sign-in/code",
    "POST /sign-in/code",
    "GET /sign-in/enrol",
    "POST /sign-in/enrol",
    "POST /sign-in/passkey",
    "POST /sign-in/passkey/options",
    "GET /device",
    "POST /device",
    "GET /sso/{}/start",
    "GET /sso/{}/again",
    "GET /sso/{}/callback",
    "GET /forgot",
    "POST /forgot",
    "GET /reset",
    "POST /reset",
    "GET /security",
    "POST /security",
    "GET /security/prove",
    "POST /security/prove",
    "POST /security/prove/options",
    "POST /security/prove/passkey",
    "POST /security/passkeys",
    "POST /security/passkeys/options",
    "POST /security/totp",
    "GET /setup",
    "POST /setup",
    "GET /space/{}",
    "GET /first-page/marks",
    "POST /first-page/keys",
    "GET /assets/{}/{}",
    "GET /reference",
    "GET /reference/compatibility",
    "GET /reference/ui/{}/{}",
}


@cache
def document() -> Document:
    return openapi_document(ROUTERS)


def described() -> list[str]:
    """ "METHOD path" of every operation of the document."""
    return [f"{method.upper()} {plain(path)}" for method, path, _ in operations(document())]


async def test_every_route_is_in_it_once_and_it_has_no_other(world: World) -> None:
    registered = [
        f"{method} {plain(re.sub(r':[a-z]+}', '}', route.path))}"
        for route in world.app.router.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if not handler.opt.get(UNSUPPORTED)
        for method in handler.http_methods - {"OPTIONS", "HEAD"}
    ]
    assert sorted(described()) == sorted(set(registered) - PAGES)
    assert set(registered) >= PAGES
    assert all(path.startswith("/v1/") for path in document()["paths"] if "v1" in path), "one spelling of each path"


def test_it_is_valid_openapi_3_1() -> None:
    faults = [
        f"{fault.json_path}: {fault.message[:200]}" for fault in OpenAPIV31SpecValidator(document()).iter_errors()
    ]
    assert faults == []


def test_every_reference_in_it_leads_somewhere() -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            found = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return found + [each for member in value.values() for each in references(member)]
        return [each for member in value for each in references(member)] if isinstance(value, list) else []

    found = references(document())
    assert found
    for reference in set(found):
        assert resolve(document(), {"$ref": reference}), reference
    assert "sheetport." not in json.dumps(document()), "no module of ours is named"


def test_operations_have_the_names_of_the_clients() -> None:
    wanted = {(method, plain(path)): told["operationId"] for method, path, told in operations(REFERENCE)}
    names = [told["operationId"] for _, _, told in operations(document())]
    assert len(names) == len(set(names))
    for method, path, told in operations(document()):
        assert told["operationId"] == wanted.get((method, plain(path)), told["operationId"])
        assert re.fullmatch(r"[a-z]\w*\.[a-z]\w*", told["operationId"])
        assert told["summary"]


def test_every_parameter_of_a_path_is_described() -> None:
    for method, path, told in operations(document()):
        given = {each["name"] for each in told.get("parameters", ()) if each["in"] == "path"}
        assert given == set(re.findall(r"\{(\w+)\}", path)), (method, path)


def test_what_opens_a_route_is_said() -> None:
    schemes = document()["components"]["securitySchemes"]
    assert document()["security"] == [{"bearer": []}]
    special = {
        f"{method.upper()} {path}": [name for each in told["security"] for name in each]
        for method, path, told in operations(document())
        if "security" in told
    }
    assert special["POST /v1/auth"] == []
    assert special["POST /v1/internal/spaces/init"] == ["publishableKey"]
    assert special["GET /v2/subscribe/{subscribeKey}/{channel}/0"] == ["subscriptionToken"]
    assert {name for names in special.values() for name in names} <= set(schemes)


@pytest.mark.parametrize(
    ("route", "status"),
    [
        ("GET /v1/spaces/{spaceId}", {"200", "400", "401", "403", "404", "429", "503", "default"}),
        (
            "PATCH /v1/spaces/{spaceId}",
            {"200", "400", "401", "403", "404", "409", "413", "415", "429", "503", "default"},
        ),
    ],
)
def test_refusals_are_listed(route: str, status: set[str]) -> None:
    method, path = route.split()
    assert set(document()["paths"][path][method.lower()]["responses"]) == status


def test_the_examples_are_what_the_clients_may_send() -> None:
    known = {told["operationId"]: told for _, _, told in operations(REFERENCE)}
    ours = {told["operationId"]: told for _, _, told in operations(document())}
    for name, example in EXAMPLES.items():
        (media,) = ours[name]["requestBody"]["content"].values()
        assert media["example"] == example
        schema = known[name]["requestBody"]["content"]["application/json"]["schema"]
        validator = Draft202012Validator({**schema, "components": REFERENCE["components"]})
        assert [f"{name}{fault.json_path}: {fault.message[:200]}" for fault in validator.iter_errors(example)] == []


async def test_it_is_public_and_cached_by_its_tag(world: World) -> None:
    reply = await world.call("GET", "/openapi.json", token="")
    assert (reply.status, reply.body) == (200, document())
    assert "no-cache" in reply.headers["cache-control"]
    tag = reply.headers["etag"]
    again = await world.call("GET", "/openapi.json", token="", headers={"If-None-Match": tag})
    assert (again.status, again.body, again.headers["etag"]) == (304, "", tag)
    assert (await world.call("GET", "/openapi.json", token="", headers={"If-None-Match": '"old"'})).status == 200


def test_it_is_the_same_in_every_process() -> None:
    assert openapi_document(ROUTERS) == document()
