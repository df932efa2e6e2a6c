"""Our OpenAPI document: each route once, named as the public clients name it, with the refusals it really gives.

The framework describes parameters, bodies and answers from the handlers' types. What it cannot know is added here: the
clients' names, which token opens a route, the one shape of refusals, and words.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Litestar
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler

from sheetport import NAME, __version__
from sheetport.http.auth import OPENED_BY
from sheetport.http.dependencies import provide_call
from sheetport.http.examples import EXAMPLES
from sheetport.http.operations import operation_at
from sheetport.kernel.json import dumps

_ABOUT = """\
The whole API of this server. Every path is also served under `/api`, as the public clients spell it.

Send a token as `Authorization: Bearer <token>`: a secret key (`sk_`), a personal access token (`pat_`), an access token
from `POST /v1/auth`, a publishable key (`pk_`) or a space's token. Members that a request sends as null are absent, and
members that no one knows are ignored. Ids are opaque.

Every refusal has one shape, `{"errors": [{"key", "message"}]}`: the key names the field, the message tells the fix.
Operations of the public clients that are not here answer 501; `/reference/compatibility` lists them.
"""
_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A secret key, personal access token, access token, publishable key or space token.",
    },
    "publishableKey": {
        "type": "apiKey",
        "in": "query",
        "name": "publishableKey",
        "description": "A publishable key (pk_), as a page sends it.",
    },
    "subscriptionToken": {
        "type": "apiKey",
        "in": "query",
        "name": "auth",
        "description": "The token of GET /v1/subscription.",
    },
}
_ERRORS = {
    "type": "object",
    "description": "Why the call was refused, and how to mend it.",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["key", "message"],
                "properties": {
                    "key": {"type": "string", "description": "The field at fault, or a stable word."},
                    "message": {"type": "string", "description": "What to do."},
                },
            },
        }
    },
}
#: status: (name in the components, description, key and message of the example)
_REFUSALS = {
    "400": ("Invalid", "The request breaks a rule.", ("name", "name is required.")),
    "401": (
        "Unauthenticated",
        "No token, or one that is unknown, revoked or expired.",
        ("auth", "Send a valid token …"),
    ),
    "403": ("Forbidden", "This kind of token may never do this.", ("auth", "A publishable key may not do this.")),
    "404": (
        "NotFound",
        "There is no such thing, or not for this caller to know of.",
        ("id", "There is no space."),
    ),
    "409": ("Conflict", "The present state does not allow it.", ("status", "The job has ended.")),
    "413": ("TooLarge", "The body is over the limit.", ("body", "Send it in smaller parts.")),
    "415": ("UnsupportedType", "The body is of no type this route takes.", ("Content-Type", "Send it as JSON.")),
    "429": ("TooMany", "A limit or quota is used up; Retry-After says when to try again.", ("limit", "Wait a minute.")),
    "503": ("Unavailable", "The server cannot do this now; nothing was changed.", ("database", "Try again later.")),
}
_OTHER = {"$ref": "#/components/responses/Refused"}
#: Said of each parameter by the framework, and true of all.
_NOISE = ("deprecated", "allowEmptyValue", "allowReserved")
#: What the framework says of an answer that it knows nothing of.
_FILLERS = ("", "Request fulfilled, document follows", "Additional response")
_MODULE = re.compile(r"sheetport\.[a-z_.]+\.(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Encoded:
    """The document's bytes, and the tag that changes with them."""

    content: bytes
    etag: str


class Description:
    """The document of these routers, made when it is first asked for and kept as bytes."""

    def __init__(self, routers: Sequence[ControllerRouterHandler]) -> None:
        self._routers = routers
        self._encoded: Encoded | None = None
        self._making = asyncio.Lock()

    async def get(self) -> Encoded:
        """The document. Making it takes most of a second, so that happens beside the loop."""
        async with self._making:
            if self._encoded is None:
                self._encoded = await asyncio.to_thread(_encode, self._routers)
            return self._encoded


def _encode(routers: Sequence[ControllerRouterHandler]) -> Encoded:
    content = dumps(openapi_document(routers)).encode()
    return Encoded(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def openapi_document(routers: Sequence[ControllerRouterHandler]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the routes of ``routers``, as plain JSON values."""
    app = Litestar(
        route_handlers=routers,
        dependencies={"call": Provide(provide_call)},
        logging_config=None,
        openapi_config=OpenAPIConfig(title=NAME, version=__version__, use_handler_docstrings=True, render_plugins=[]),
    )
    raw: dict[str, Any] = app.openapi_schema.to_schema()
    handlers = dict(_handlers(app))
    paths: dict[str, dict[str, Any]] = {}
    for path, item in raw["paths"].items():
        named = re.sub(r"\{(\w+)\}", lambda found: "{" + _camel(found[1]) + "}", path)
        for method, operation in item.items():
            told = _operation(method.upper(), path, operation, handlers[method.upper(), path])
            paths.setdefault(named, {})[method] = told
    schemas = {**raw.get("components", {}).get("schemas", {}), "Errors": _ERRORS}
    tags = sorted({tag for item in paths.values() for operation in item.values() for tag in operation["tags"]})
    document = {
        "openapi": "3.1.0",
        "info": {"title": NAME, "version": __version__, "description": _ABOUT, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [{"name": tag} for tag in tags],
        "paths": dict(sorted(paths.items())),
        "components": {"securitySchemes": _SCHEMES, "responses": _responses(), "schemas": schemas},
    }
    renamed: dict[str, Any] = _renamed(document)
    return renamed


def _handlers(app: Litestar) -> Iterator[tuple[tuple[str, str], HTTPRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in handler.http_methods:
                    yield (str(method), route.path_format), handler


def _operation(method: str, path: str, raw: dict[str, Any], handler: HTTPRouteHandler) -> dict[str, Any]:
    known = operation_at(method, path)
    name = handler.fn.__name__
    (tag,) = raw.get("tags") or ["server"]
    summary, _, description = inspect.cleandoc(handler.fn.__doc__ or "").partition("\n\n")
    told: dict[str, Any] = {
        "tags": [tag],
        "operationId": known.name if known else f"{_camel(tag)}.{_camel(name)}",
        "summary": name.replace("_", " ").capitalize(),
    }
    if summary:
        told["description"] = "\n\n".join(filter(None, (summary.replace("``", "`"), description.replace("``", "`"))))
    if raw.get("parameters"):
        told["parameters"] = [_parameter(parameter) for parameter in raw["parameters"]]
    if body := _body(raw.get("requestBody"), EXAMPLES.get(told["operationId"])):
        told["requestBody"] = body
    if handler.opt.get("public"):
        scheme = handler.opt.get(OPENED_BY)
        told["security"] = [{scheme: []}] if scheme else []
    told["responses"] = _answers(raw, told, handler)
    return told


def _body(raw: dict[str, Any] | None, example: Any) -> dict[str, Any] | None:
    """The body as the framework knows it, with an example; handlers that read it themselves have only the example."""
    if example is None:
        return raw
    schema = {"type": "array", "items": {"type": "object"}} if isinstance(example, list) else {"type": "object"}
    told = raw or {"required": True, "content": {"application/json": {"schema": schema}}}
    return {**told, "content": {kind: {**media, "example": example} for kind, media in told["content"].items()}}


def _parameter(raw: dict[str, Any]) -> dict[str, Any]:
    """The parameter without noise: one that may be left out is not one that may be null."""
    kept = {key: value for key, value in raw.items() if key not in _NOISE}
    schema = {key: value for key, value in raw["schema"].items() if key != "description"}
    kinds = [kind for kind in schema.get("oneOf", ()) if kind != {"type": "null"}]
    if kinds:
        schema = {**{key: value for key, value in schema.items() if key != "oneOf"}, **_one_of(kinds)}
    if isinstance(schema.get("enum"), list):
        schema["enum"] = [value for value in schema["enum"] if value is not None]
    name = _camel(raw["name"]) if raw["in"] == "path" else raw["name"]
    told = {**kept, "name": name, "schema": schema}
    if "description" not in told and name.endswith("Id"):
        told["description"] = f"The id of the {' '.join(re.findall('[A-Z]?[a-z]+', name[:-2])).lower()}."
    return told


def _one_of(kinds: list[dict[str, Any]]) -> dict[str, Any]:
    return kinds[0] if len(kinds) == 1 else {"oneOf": kinds}


def _answers(raw: dict[str, Any], told: dict[str, Any], handler: HTTPRouteHandler) -> dict[str, Any]:
    """What the route answers: success as the framework describes it, and the refusals it can give."""
    success = {status: answer for status, answer in raw["responses"].items() if status < "4"}
    for answer in success.values():
        answer["description"] = (
            answer.get("description", "").replace("Request fulfilled, document follows", "OK") or "OK"
        )
    if handler.opt.get(OPENED_BY) == "subscriptionToken":
        return success  # refusals have the shape that the stream's own clients read
    statuses = {"429", "503"}
    if told.get("security") != []:
        statuses |= {"401", "403"}
    if told.get("parameters"):
        statuses.add("400")
    named = [parameter["name"] for parameter in told.get("parameters", ()) if parameter["in"] in {"path", "query"}]
    if any(name.endswith(("Id", "Ids", "name")) for name in named):
        statuses.add("404")
    if told.get("requestBody"):
        statuses |= {"400", "413", "415"}
    if not handler.http_methods <= {"GET"}:
        statuses.add("409")
    refusals = {status: {"$ref": f"#/components/responses/{_REFUSALS[status][0]}"} for status in sorted(statuses)}
    return {**success, **refusals, "default": _OTHER}


def _responses() -> dict[str, Any]:
    """The refusals, each once, with an example."""
    found = {"Refused": _refusal("Refused; each entry names what is wrong and how to mend it.", None)}
    for name, description, example in _REFUSALS.values():
        found[name] = _refusal(description, example)
    return found


def _refusal(description: str, example: tuple[str, str] | None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Errors"}}
    if example:
        content["example"] = {"errors": [{"key": example[0], "message": example[1]}]}
    return {"description": description, "content": {"application/json": content}}


def _renamed(value: Any) -> Any:
    """The document with short names of schemas, without the modules they are from."""
    if isinstance(value, dict):
        schemas = value.get("schemas") if "securitySchemes" in value else None
        if isinstance(schemas, dict):
            short = {_short(name): _renamed(schema) for name, schema in schemas.items()}
            if len(short) != len(schemas):
                raise ValueError("two wire shapes have one name; rename one of them")
            rest = {key: _renamed(each) for key, each in value.items() if key != "schemas"}
            return {**rest, "schemas": dict(sorted(short.items()))}
        return {key: _reference(each) if key == "$ref" else _renamed(each) for key, each in value.items()}
    return [_renamed(each) for each in value] if isinstance(value, list) else value


def _reference(target: str) -> str:
    place, _, name = target.rpartition("/")
    return f"{place}/{_short(name)}"


def _short(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in _MODULE.sub("", name).split("_") if part)


def _camel(name: str) -> str:
    return re.sub(r"[_\W]+(\w)", lambda found: found[1].upper(), name)
