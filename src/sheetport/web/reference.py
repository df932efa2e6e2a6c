"""Our OpenAPI document, the page that shows it, and what is not there for the public clients: for anyone, offline."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from itertools import groupby

from litestar import Response, Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from sheetport.http.auth import PUBLIC
from sheetport.http.openapi import Description
from sheetport.http.operations import NPM_VERSION, PYTHON_VERSION, operations
from sheetport.kernel.errors import NotFound
from sheetport.web.cookies import AnyRequest
from sheetport.web.rendering import FOREVER, POLICY, page

#: Of the package swagger-ui-bundle-v2, which is pinned to it.
SWAGGER_VERSION = "5.31.0"
SWAGGER = files("swagger_ui_bundle") / "vendor" / f"swagger-ui-{SWAGGER_VERSION}"
SWAGGER_FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
#: Swagger UI draws its arrows and locks as images in its stylesheet.
_POLICY = POLICY.replace("img-src 'self'", "img-src 'self' data:")


@get("/openapi.json", include_in_schema=True, responses={200: ResponseSpec(dict[str, object], generate_examples=False)})
async def get_openapi(request: AnyRequest) -> Response[bytes]:
    """This document."""
    description: Description = request.app.state.description
    made = await description.get()
    headers = {"ETag": made.etag, "Cache-Control": "public, no-cache"}
    if made.etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    return Response(made.content, media_type="application/json", headers=headers)


@get("/reference")
async def get_reference(request: AnyRequest) -> Response[str]:
    return page(request, "reference.html", policy=_POLICY, swagger=f"/reference/ui/{SWAGGER_VERSION}")


@get("/reference/ui/{ui_version:str}/{name:str}")
async def get_swagger_file(ui_version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    if name not in SWAGGER_FILES:
        raise NotFound(f"There is no file {name[:60]!r} in {ui_version[:20]!r}.", "path")
    content = await asyncio.to_thread((SWAGGER / name).read_bytes)
    return Response(content, media_type=SWAGGER_FILES[name], headers=FOREVER)


@get("/reference/compatibility")
async def get_compatibility(request: AnyRequest) -> Response[str]:
    """What this server answers to each method of the public clients, by resource."""
    known = sorted(operations(), key=lambda one: one.name)
    resources = {name: list(found) for name, found in groupby(known, lambda one: one.resource)}
    return page(request, "compatibility.html", resources=resources, npm=NPM_VERSION, python=PYTHON_VERSION)


router = Router(
    "/",
    route_handlers=[get_openapi, get_reference, get_swagger_file, get_compatibility],
    opt=PUBLIC,
    include_in_schema=False,
    tags=["server"],
)
