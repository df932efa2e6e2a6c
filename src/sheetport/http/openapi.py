"""The description of our routes: Litestar's, with failures as this server really answers them."""

from __future__ import annotations

from typing import Any

from litestar import Litestar

_REFUSAL = {
    "description": "Refused; each entry names what is wrong and how to mend it.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}},
}
_ERRORS = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["key", "message"],
                "properties": {"key": {"type": "string"}, "message": {"type": "string"}},
            },
        }
    },
}


def openapi_document(router: Litestar) -> dict[str, Any]:
    """The OpenAPI document as plain JSON values. Failures are one ``default`` response, the one error shape."""
    document: dict[str, Any] = router.openapi_schema.to_schema()
    document.setdefault("components", {}).setdefault("schemas", {})["Errors"] = _ERRORS
    for item in document.get("paths", {}).values():
        for operation in item.values():
            if isinstance(operation, dict) and "responses" in operation:
                kept = {status: response for status, response in operation["responses"].items() if status < "4"}
                operation["responses"] = {**kept, "default": _REFUSAL}
    return document
