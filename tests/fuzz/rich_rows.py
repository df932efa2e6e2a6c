"""Good requests that use more of their bodies than the permission table's, to be bent in more places."""

from __future__ import annotations

from typing import Any

from permission_table import Row

_ACTION = {
    "operation": "go",
    "label": "Go",
    "slug": "go",
    "mode": "foreground",
    "primary": True,
    "messages": [{"type": "error", "content": "No."}],
    "inputForm": {
        "type": "simple",
        "fields": [
            {
                "key": "level",
                "label": "Level",
                "type": "enum",
                "config": {"options": [{"value": 1, "label": "one"}]},
                "constraints": [{"type": "required"}],
            }
        ],
    },
    "constraints": [{"type": "hasData"}, {"type": "hasColumnEnabled"}],
    "mount": {"type": "sheet", "slugs": ["people"]},
    "guide": {"content": "text"},
}
_FIELDS: list[dict[str, Any]] = [
    {"key": "name", "type": "string", "label": "Name", "constraints": [{"type": "required"}, {"type": "unique"}]},
    {"key": "seats", "type": "number", "config": {"decimalPlaces": 2}},
    {"key": "kind", "type": "enum", "config": {"options": [{"value": "a", "label": "A"}]}, "metadata": {"x": 1}},
    {"key": "boss", "type": "reference", "config": {"ref": "people", "key": "name", "relationship": "has-one"}},
]
_SHEET = {"name": "People", "slug": "people", "fields": _FIELDS, "actions": [_ACTION], "access": ["*"], "metadata": {}}
_BOOK = {
    "name": "New",
    "spaceId": "{space_id}",
    "labels": ["new"],
    "namespace": "red",
    "sheets": [_SHEET],
    "actions": [_ACTION],
    "settings": {"trackChanges": True, "sheetSidebarOrder": ["{sheet_id}"]},
    "metadata": {"a": 1},
    "treatments": ["SMALL_DATA"],
}
_SPACE = {
    "name": "new",
    "metadata": {"theme": {"root": {"primaryColor": "#0a6"}}},
    "settings": {"sidebarConfig": {"showSidebar": True}},
    "labels": ["new"],
    "namespace": "red",
    "access": ["*"],
    "guestAuthentication": ["magic_link"],
    "actions": [_ACTION],
    "autoConfigure": True,
    "appId": "{app_id}",
    "displayOrder": 1,
    "languageOverride": "de",
}
_RECORD = {
    "values": {"name": {"value": "Ada", "messages": [{"type": "warn", "source": "custom-logic", "message": "m"}]}},
    "metadata": {"a": 1},
}
_JOB = {
    "type": "workbook",
    "operation": "submit",
    "source": "{workbook_id}",
    "destination": "{workbook_id}",
    "mode": "foreground",
    "progress": 5,
    "info": "x",
    "part": 1,
    "partData": {"a": 1},
    "parentId": "{job_id}",
    "predecessorIds": ["{job_id}"],
    "config": {"a": 1},
    "input": {"a": 1},
    "subject": {"type": "collection", "resource": "records"},
    "outcome": {"message": "x", "next": {"type": "id", "id": "{sheet_id}"}},
    "metadata": {"a": 1},
}
_EVENT = {
    "topic": "space:updated",
    "domain": "space",
    "context": {"environmentId": "{environment_id}", "spaceId": "{space_id}", "sheetId": "{sheet_id}"},
    "payload": {"a": 1},
    "attributes": {"progress": {"current": 1, "total": 2}},
    "callbackUrl": "https://example.com",
    "dataUrl": "https://example.com",
    "target": "space",
    "origin": {"id": "x", "slug": "x"},
    "namespaces": ["space:red"],
}
_APP = {"name": "New", "namespace": "other", "type": "CUSTOM", "entity": "x", "metadata": {}, "blueprint": {"a": []}}
_ENVIRONMENT = {
    "name": "{fresh}",
    "isProd": False,
    "guestAuthentication": ["magic_link"],
    "metadata": {"a": 1},
    "namespaces": ["red"],
    "translationsPath": "x",
}
_ANY = "ok ok ok ok ok ok ok"  # not looked at: only the request is used

RICH_ROWS = (
    Row("POST /v1/auth", _ANY, {"email": "admin@example.com", "password": "wrong"}),
    Row("POST /v1/auth", _ANY, {"clientId": "{key_id}", "secret": "wrong"}),
    Row("POST /v1/internal/spaces/init", _ANY, {"space": _SPACE, "workbook": _BOOK}, "?publishableKey={publishable}"),
    Row("POST /v1/actions", _ANY, _ACTION | {"targetId": "{sheet_id}"}, "?spaceId={space_id}"),
    Row("PATCH /v1/actions/{action_id}", _ANY, _ACTION),
    Row("POST /v1/apps", _ANY, _APP),
    Row("PATCH /v1/apps/{app_id}", _ANY, {"name": "x", "metadata": {}, "activatedAt": "2027-01-15T08:00:00Z"}),
    Row("POST /v1/environments", _ANY, _ENVIRONMENT),
    Row("PATCH /v1/environments/{environment_id}", _ANY, _ENVIRONMENT),
    Row("POST /v1/events", _ANY, _EVENT),
    Row("POST /v1/jobs", _ANY, _JOB),
    Row("PATCH /v1/jobs/{job_id}", _ANY, {"status": "executing", "progress": 5, "outcomeAcknowledgedAt": "2027-01-15"}),
    Row("POST /v1/jobs/{job_id}/ack", _ANY, {"info": "x", "progress": 1, "estimatedCompletionAt": "2027-01-15"}),
    Row("POST /v1/jobs/{job_id}/split", _ANY, {"parts": [{"a": 1}, {}], "runInParallel": True}),
    Row("POST /v1/jobs/{job_id}/complete", _ANY, {"outcome": {"message": "x", "acknowledge": True}, "info": "x"}),
    Row("POST /v1/secrets", _ANY, {"name": "A", "value": "b", "environmentId": "{environment_id}", "actorId": "a"}),
    Row("POST /v1/spaces", _ANY, _SPACE | {"environmentId": "{environment_id}"}),
    Row("PATCH /v1/spaces/{space_id}", _ANY, _SPACE | {"primaryWorkbookId": "{workbook_id}"}),
    Row(
        "POST /v1/spaces/{space_id}/documents",
        _ANY,
        {"title": "x", "body": "x", "treatments": [], "actions": [_ACTION]},
    ),
    Row("PATCH /v1/sheets/{sheet_id}", _ANY, {"name": "x", "slug": "y", "metadata": {}, "actions": [_ACTION]}),
    Row("POST /v1/sheets/{sheet_id}/records", _ANY, [_RECORD | {"id": "{record_id}"}, {"name": {"value": "Grace"}}]),
    Row("PUT /v1/sheets/{sheet_id}/records", _ANY, [_RECORD | {"id": "{record_id}"}]),
    Row("GET /v1/sheets/{sheet_id}/records", _ANY, query="?filter=error&ids={record_id}&includeCounts=true"),
    Row("POST /v1/versions", _ANY, {"sheetId": "{sheet_id}", "parentVersionId": "{commit_id}"}),
    Row("POST /v1/workbooks", _ANY, _BOOK),
    Row("PATCH /v1/workbooks/{workbook_id}", _ANY, _BOOK),
)
