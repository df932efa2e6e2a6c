"""Bodies that the reference shows, by the operation's name. Ids stand for your own."""

from __future__ import annotations

from typing import Any

_FIELDS = [
    {"key": "name", "type": "string", "label": "Name", "constraints": [{"type": "required"}]},
    {"key": "seats", "type": "number"},
]

EXAMPLES: dict[str, Any] = {
    "accounts.updateCurrent": {"name": "Acme"},
    "apps.create": {"name": "Onboarding", "namespace": "onboarding", "type": "CUSTOM"},
    "apps.createConstraint": {"validator": "odd", "label": "Odd", "function": "(value, key, { record }) => {}"},
    "apps.updateConstraint": {"label": "An odd number"},
    "apps.update": {"name": "Onboarding"},
    "auth.createAccessToken": {"type": "userCredentials", "email": "you@example.com", "password": "your password"},
    "auth.createPersonalAccessToken": {"name": "My laptop"},
    "environments.create": {"name": "staging", "isProd": False},
    "environments.update": {"name": "staging"},
    "events.create": {
        "topic": "space:updated",
        "domain": "space",
        "context": {"environmentId": "us_env_1", "spaceId": "us_sp_1", "accountId": "us_acc_1"},
        "payload": {},
    },
    "jobs.create": {"type": "workbook", "operation": "submit", "source": "us_wb_1", "trigger": "immediate"},
    "jobs.ack": {"info": "Reading", "progress": 10},
    "jobs.complete": {"outcome": {"message": "42 rows were sent.", "acknowledge": True}},
    "jobs.fail": {"outcome": {"message": "The other side did not answer.", "acknowledge": True}},
    "jobs.split": {"parts": 4},
    "records.insert": [{"name": {"value": "Ada"}, "seats": {"value": 2}}],
    "records.update": [{"id": "us_rc_1", "values": {"name": {"value": "Grace"}}}],
    "secrets.upsert": {"name": "EXTERNAL_API_KEY", "value": "the value", "environmentId": "us_env_1"},
    "sheets.updateSheet": {"name": "Passengers"},
    "spaces.create": {"name": "Acme", "environmentId": "us_env_1", "labels": ["new"]},
    "spaces.update": {"name": "Acme", "metadata": {"theme": {"root": {"primaryColor": "#0a6"}}}},
    "users.update": {"name": "Ada Lovelace"},
    "workbooks.create": {
        "name": "Flights",
        "spaceId": "us_sp_1",
        "sheets": [{"name": "Passengers", "slug": "passengers", "fields": _FIELDS}],
    },
    "workbooks.update": {"name": "Flights"},
}
