"""What every route's answers look like, read from an OpenAPI document and from live answers.

Success is ``{"data": ...}`` with ``pagination`` or ``meta`` only where the public API has them; failure is
``{"errors": [{"key", "message"}]}``. No answer is empty. What the public API answers otherwise (bare objects and
arrays) is taken from its description in tests/data/openapi.json.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
BESIDE_DATA = {"pagination", "meta", "success"}
#: What the refusals of the routes of OAuth have beside.
OAUTH = ("error", "error_description")
Document = dict[str, Any]


def operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of every route."""
    for path, item in sorted(document.get("paths", {}).items()):
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def plain_path(path: str) -> str:
    """A path without the ``/api`` prefix and without the names of its parameters, to compare documents by."""
    return re.sub(r"\{[^}]*\}", "{}", path.removeprefix("/api").rstrip("/"))


def shape(document: Document, operation: dict[str, Any]) -> dict[str, Any] | None:
    """The resolved JSON schema of the operation's success, None where it documents none."""
    for status, response in sorted(operation.get("responses", {}).items()):
        if not str(status).startswith("2"):
            continue
        content = resolve(document, response).get("content", {})
        for media, described in content.items():
            if media.startswith("application/json"):
                return resolve(document, described.get("schema", {}))
            return {"raw": media}
    return None


def resolve(document: Document, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema behind a chain of ``$ref``."""
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        schema = found
    return schema


def envelope_faults(document: Document, reference: Document, own: dict[str, set[str]]) -> list[str]:
    """Routes whose documented answers break the rule.

    ``own`` names the keys of the bare answers of routes that ``reference`` does not know: ``{"post /v1/x": {"key"}}``.
    """
    known = {(method, plain_path(path)): shape(reference, op) for method, path, op in operations(reference)}
    faults = []
    for method, path, operation in operations(document):
        name = f"{method} {path}"
        said = shape(document, operation)
        if said is None:
            faults.append(f"{name}: documents no JSON body")
        else:
            faults += _compare(
                name, said, known.get((method, plain_path(path))), own.get(f"{method} {plain_path(path)}")
            )
        faults += _error_faults(document, name, operation)
    return faults


def _compare(name: str, said: dict[str, Any], wanted: dict[str, Any] | None, own: set[str] | None) -> list[str]:
    """One route against the public description, else against ``own``, else against ``{"data": ...}``."""
    keys = set(said.get("properties", {})) or said.keys() & {"raw"}
    if wanted is not None and "raw" in wanted:
        return [] if "raw" in said else [f"{name}: answers JSON where the public API answers {wanted['raw']}"]
    if wanted is not None and "data" not in wanted.get("properties", {}):
        missing = set(wanted.get("required", ())) - keys
        if wanted.get("type") == "array" and said.get("type") != "array":
            return [f"{name}: answers no bare array"]
        return [f"{name}: answers without {sorted(missing)}"] if missing else []
    if own is not None:
        return [] if own <= keys else [f"{name}: answers without {sorted(own - keys)}"]
    allowed = {"data"} | (BESIDE_DATA & set(wanted.get("properties", {})) if wanted else BESIDE_DATA)
    if "data" not in keys or keys - allowed:
        return [f"{name}: answers {sorted(keys) or said.get('type', '?')}, not only {sorted(allowed)}"]
    return []


def _error_faults(document: Document, name: str, operation: dict[str, Any]) -> list[str]:
    """Documented failures of another shape, and success without a body."""
    faults = []
    for status, response in operation.get("responses", {}).items():
        if str(status) in {"204", "205"}:
            faults.append(f"{name}: documents {status}, which clients cannot read")
        if not str(status).startswith(("4", "5", "default")):
            continue
        for described in resolve(document, response).get("content", {}).values():
            keys = set(resolve(document, described.get("schema", {})).get("properties", {}))
            if keys != {"errors"}:
                faults.append(f"{name}: documents {status} as {sorted(keys)}")
    return faults


def error_fault(status: int, body: Any) -> str | None:
    """What is wrong with a live failure, None when it is the one shape and no server error."""
    if status >= 500:
        return f"status {status}"
    if (
        not isinstance(body, dict)
        or body.keys() not in ({"errors"}, {"errors", *OAUTH})
        or not isinstance(body["errors"], list)
        or not body["errors"]
    ):
        return f"body {body!r}"
    for entry in body["errors"]:
        if not isinstance(entry, dict) or not isinstance(entry.get("message"), str) or not entry["message"].strip():
            return f"entry {entry!r}"
        if not isinstance(entry.get("key"), str):
            return f"entry without key {entry!r}"
    return None
