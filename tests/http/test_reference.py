"""The reference's pages: public, of this server's files only, under a policy that lets nothing else in."""

from __future__ import annotations

import hashlib

from sheetport.http.operations import operations
from sheetport.web.reference import SWAGGER, SWAGGER_FILES, SWAGGER_VERSION
from worlds import World

#: Of npm swagger-ui-dist 5.31.0, which the Python package carries.
DIGESTS = {
    "swagger-ui-bundle.js": "93b7b0862a80e2786f85b560be7693c2344354ffa7e7e224f850a54349724c31",
    "swagger-ui.css": "9e576f8322132c76949da47f9bb53c891373c303ea3a761ff548ffc9de50a98c",
}


def test_the_script_is_the_one_that_was_looked_at() -> None:
    found = {name: hashlib.sha256((SWAGGER / name).read_bytes()).hexdigest() for name in SWAGGER_FILES}
    assert found == DIGESTS


async def test_the_pages_are_for_anyone_and_load_nothing_from_elsewhere(world: World) -> None:
    for path in ("/reference", "/reference/compatibility"):
        reply = await world.call("GET", path, token="")
        assert reply.status == 200
        policy = reply.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "http" not in policy
        assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self';")
        for mark in ('src="http', 'href="http', 'src="//', 'href="//'):
            assert mark not in reply.body
    assert 'href="/reference"' in (await world.call("GET", "/", token="")).body, "the first page leads here"


async def test_only_the_two_files_are_served_and_browsers_keep_them(world: World) -> None:
    folder = f"/reference/ui/{SWAGGER_VERSION}"
    for name, kind in SWAGGER_FILES.items():
        reply = await world.client.get(f"{folder}/{name}")
        assert (reply.status_code, reply.headers["content-type"]) == (200, f"{kind}; charset=utf-8")
        assert reply.content == (SWAGGER / name).read_bytes()
        assert "immutable" in reply.headers["cache-control"]
    for name in ("swagger-ui-bundle.js.map", "index.html", "..%2f..%2f__init__.py", "nothing"):
        assert (await world.client.get(f"{folder}/{name}")).status_code == 404, name


async def test_the_page_of_compatibility_has_a_line_to_link_to_for_each_operation(world: World) -> None:
    page = (await world.call("GET", "/reference/compatibility", token="")).body
    for one in operations():
        assert f'id="{one.name}"' in page
        assert f"{one.method} {one.path}" in page
        assert one.reason in page
