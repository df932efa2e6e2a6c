"""Who may do what: one row for every route that needs a caller, one column for every kind of caller.

A user's outcome follows from what a row needs (permission_needs.py) and what the user's role gives.

``{name}`` in a path, a query or a body is a thing of the development environment of ``PermissionWorld``. An outcome is
the status: ``ok`` is 200; 403 where the kind of caller may never do this; 404 where the caller may not know of the
thing; 400 where the caller may call, but not so. Whoever sends no token, or a revoked or expired one, gets 401 from
every one of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from permission_guests import GUEST_ACTORS, guest_outcomes
from permission_needs import NEEDS, ROLE_USERS, outcome_of

#: An Administrator of the account; the secret keys of the environment, of another environment and of another account;
#: the environment's publishable key; a token of the space that the things are in, and one of the space beside it.
KINDS = ("user", "secret", "other_environment", "other_account", "publishable", "space", "other_space")
ACTORS = (*KINDS, *ROLE_USERS, *GUEST_ACTORS)


@dataclass(frozen=True)
class Row:
    """``outcomes`` are in the order of KINDS. Whoever is let in gets ``query`` and ``body`` that are good."""

    route: str
    outcomes: str
    body: Any = None
    query: str = ""

    @property
    def spends(self) -> bool:
        """Whether a call that succeeds leaves a thing that the next caller cannot use again."""
        kept = ("POST /v1/secrets/", "POST /v1/webhooks/")
        ends = self.route.endswith("/rotate") and not self.route.startswith(kept)
        return ends or self.route.startswith(("DELETE", "POST /v1/jobs/"))

    def expected(self) -> dict[str, int]:
        """The status for each kind of caller."""
        statuses = [200 if outcome == "ok" else int(outcome) for outcome in self.outcomes.split()]
        kinds = dict(zip(KINDS, statuses, strict=True))
        users = ROLE_USERS if self.route in NEEDS else ()  # a row without needs is a fault by itself
        kinds |= {user: outcome_of(self.route, user, kinds["user"]) for user in users}
        return kinds | guest_outcomes(self.route)


#: Frequent rows: within the environment; within the space; of the environment's keyholders; of users; of oneself.
IN_ENVIRONMENT = "ok  ok  404 404 403 403 403"
IN_SPACE = "      ok  ok  404 404 403 ok  404"
LIST = "          ok  ok  ok  ok  403 ok  ok"
LISTED_KEYS = "   ok  ok  ok  ok  403 403 403"
GUESTS_OF_SPACE = "ok ok 404 404 403 403 403"
USERS = "         ok  403 403 403 403 403 403"
NOBODY = "        403 403 403 403 403 403 403"
AGENT = "         ok  ok  404 404 403 404 404"
NEW_NAME = {"name": "new name"}
NEW_ROLE = {"name": "{unique}", "permissions": ["record:read"]}
NEW_USER = {"email": "{unique}@example.com", "name": "New", "actorRoles": []}
GIVEN_ROLE = {"roleId": "{guest_role_id}", "resourceId": "{space_id}"}
NEW_JOB = {"type": "workbook", "operation": "submit", "source": "{workbook_id}", "trigger": "immediate"}
NEW_AGENT = {"topics": ["job:ready"], "compiler": "js", "source": "exports.routeEvent = () => {}", "slug": "new"}
NEW_APP = {"name": "New", "namespace": "new", "type": "CUSTOM"}
NEW_EVENT = {
    "topic": "space:updated",
    "domain": "space",
    "context": {"environmentId": "{environment_id}", "spaceId": "{space_id}"},
    "payload": {},
}
NEW_SECRET = {"name": "NEW", "value": "value", "environmentId": "{environment_id}", "spaceId": "{space_id}"}
NEW_BOOK = {"name": "New", "spaceId": "{space_id}", "sheets": []}
NEW_DOCUMENT = {"title": "New", "body": "# New", "actions": [{"operation": "sign", "label": "Sign"}]}
NEW_ACTION = {"operation": "go", "label": "Go", "targetId": "{workbook_id}"}
NEW_GUEST = {
    "environmentId": "{environment_id}",
    "email": "new@example.com",
    "name": "New",
    "spaces": [{"id": "{space_id}"}],
}
NEW_RECORDS = [{"name": {"value": "Grace"}}]
CHANGED_RECORDS = [{"id": "{record_id}", "values": {"name": {"value": "Joan"}}}]
#: An address that is looked at and not called.
NEW_WEBHOOK = {"url": "https://93.184.216.34/new", "spaceId": "{space_id}", "topics": ["job:*"]}
OF_ENVIRONMENT = "?environmentId={environment_id}"

ROWS = (
    # The account and its users. Every token but a publishable key and a space token says whose account it is.
    Row("GET /v1/accounts/current", "ok ok ok ok 403 403 403"),
    Row("PATCH /v1/accounts/current", USERS, NEW_NAME),
    Row("GET /v1/users", USERS),
    Row("GET /v1/users/{user_id}", USERS),
    Row("PATCH /v1/users/{user_id}", USERS, NEW_NAME),
    Row("GET /v1/users/{user_id}/api-token", USERS, query="?tenantId={account_id}"),
    Row("POST /v1/users/{user_id}/api-token", USERS, query="?tenantId={account_id}"),
    Row("POST /v1/users/{user_id}/api-token/{client_id}/rotate", USERS),
    # The audit log is for administrators.
    Row("GET /v1/audit", USERS),
    Row("GET /v1/audit/export", USERS),
    Row("GET /v1/audit/checkpoints", USERS),
    Row("POST /v1/users/invite", USERS, NEW_USER),
    Row("POST /v1/users/{invited_user_id}/resend-invite", USERS),
    Row("POST /v1/users/{spare_user_id}/disable", USERS),
    Row("POST /v1/users/{spare_user_id}/enable", USERS),
    Row("DELETE /v1/users/{spare_user_id}", USERS),
    # Roles.
    Row("GET /v1/roles", USERS),
    Row("POST /v1/roles", USERS, NEW_ROLE),
    Row("PATCH /v1/roles/{role_id}", USERS, {"permissions": ["record:read"]}),
    Row("DELETE /v1/roles/{role_id}", USERS),
    Row("GET /v1/users/{spare_user_id}/roles", USERS),
    Row("POST /v1/users/{spare_user_id}/roles", USERS, GIVEN_ROLE),
    Row("DELETE /v1/users/{spare_user_id}/roles/{actor_role_id}", USERS),
    Row("GET /v1/agents/{agent_id}", AGENT),
    Row("GET /v1/agents/{agent_id}/versions", AGENT),
    Row("GET /v1/agents/{agent_id}/state", AGENT),
    Row("GET /v1/agents/{agent_id}/logs", AGENT, query=OF_ENVIRONMENT),
    Row("GET /v1/agents/executions", AGENT, query=OF_ENVIRONMENT),
    Row("GET /v1/agents/logs", AGENT, query=OF_ENVIRONMENT),
    Row("GET /v1/agents/log/{agent_event_id}", AGENT, query=OF_ENVIRONMENT),
    Row("POST /v1/agents", IN_ENVIRONMENT, NEW_AGENT, query=OF_ENVIRONMENT),
    Row("GET /v1/agents/{agent_id}/versions/{agent_version_id}/revert", IN_ENVIRONMENT),
    Row("POST /v1/agents/{agent_id}/pause", IN_ENVIRONMENT),
    Row("POST /v1/agents/{paused_agent_id}/resume", IN_ENVIRONMENT),
    Row("POST /v1/agents/{agent_id}/hosts", IN_ENVIRONMENT, {"host": "api.example.com"}),
    Row("DELETE /v1/agents/{agent_id}/hosts/{agent_host}", IN_ENVIRONMENT),
    Row("DELETE /v1/agents/{agent_id}", IN_ENVIRONMENT),
    Row("GET /v1/agent-exports", AGENT, query=OF_ENVIRONMENT),
    Row("GET /v1/agent-exports/{agent_export_id}", AGENT),
    Row("GET /v1/agent-exports/{agent_export_id}/download", IN_ENVIRONMENT),
    Row("DELETE /v1/agent-exports/{agent_export_id}", IN_ENVIRONMENT),
    Row("GET /v1/agents/{agent_id}/roles", AGENT),
    Row("POST /v1/agents/{agent_id}/roles", IN_ENVIRONMENT, GIVEN_ROLE),
    Row("DELETE /v1/agents/{agent_id}/roles/{agent_role_id}", IN_ENVIRONMENT),
    # Apps are the account's: every environment's keys read them.
    Row("GET /v1/apps", "ok ok ok ok 403 403 403"),
    Row("POST /v1/apps", USERS, NEW_APP),
    Row("GET /v1/apps/{app_id}", "ok ok ok 404 403 403 403"),
    Row("PATCH /v1/apps/{app_id}", USERS, NEW_NAME),
    Row("GET /v1/apps/{app_id}/constraints", "ok ok ok 404 403 403 403"),
    Row("POST /v1/apps/{app_id}/constraints", USERS, {"validator": "{unique}"}),
    Row("GET /v1/apps/{app_id}/constraints/{constraint_id}", "ok ok ok 404 403 403 403"),
    Row("PATCH /v1/apps/{app_id}/constraints/{constraint_id}", USERS, {"label": "{unique}"}),
    Row("GET /v1/apps/{app_id}/constraints/{constraint_id}/versions", "ok ok ok 404 403 403 403"),
    Row("GET /v1/apps/{app_id}/constraints/{constraint_id}/versions/{version}", "ok ok ok 404 403 403 403"),
    Row("DELETE /v1/apps/{app_id}/constraints/{constraint_id}", USERS),
    Row("DELETE /v1/apps/{app_id}", USERS),
    # Keys and tokens. Only an access token can be refreshed; the user here holds a personal access token.
    Row("POST /v1/auth/refresh-token", "400 403 403 403 403 403 403"),
    Row("GET /v1/auth/api-keys", IN_ENVIRONMENT, query=OF_ENVIRONMENT),
    Row("GET /v1/auth/publishable-key", IN_ENVIRONMENT, query=OF_ENVIRONMENT),
    Row("POST /v1/auth/api-key", USERS, query=OF_ENVIRONMENT + "&type=SECRET"),
    Row("DELETE /v1/auth/api-key", USERS, query=OF_ENVIRONMENT + "&key={key_id}"),
    Row("POST /v1/auth/api-key/rotate", USERS, query=OF_ENVIRONMENT + "&key={key_id}"),
    Row("POST /v1/auth/personal-access-tokens/{access_token_id}/rotate", USERS),
    Row("GET /v1/auth/personal-access-tokens", USERS),
    Row("POST /v1/auth/personal-access-tokens", USERS, NEW_NAME),
    Row("DELETE /v1/auth/personal-access-tokens/{access_token_id}", USERS),
    # Sessions, password and factors. The user here holds a personal access token, which is no person's sign-in: it
    # lists and ends sessions, and changes nothing that proves who its user is. No row ends all sessions: other rows
    # are called by them.
    Row("GET /v1/auth/sessions", USERS),
    Row("DELETE /v1/auth/sessions", "400 403 403 403 403 403 403", query="?which=none"),
    Row("DELETE /v1/auth/sessions/{session_id}", USERS),
    Row("POST /v1/auth/sessions/current/proof", "400 403 403 403 403 403 403", {"password": "wrong"}),
    Row("POST /v1/auth/password", "400 403 403 403 403 403 403", {"currentPassword": "no", "newPassword": "no"}),
    Row("GET /v1/auth/factors", USERS),
    Row("POST /v1/auth/factors/totp", NOBODY),
    Row("POST /v1/auth/factors/totp/confirm", NOBODY, {"code": "000000"}),
    Row("DELETE /v1/auth/factors/totp", NOBODY),
    Row("POST /v1/auth/factors/recovery-codes", NOBODY),
    Row("PATCH /v1/auth/factors/passkeys/{passkey_id}", NOBODY, NEW_NAME),
    Row("DELETE /v1/auth/factors/passkeys/{passkey_id}", NOBODY),
    Row("GET /v1/auth/login-policy", USERS),
    Row("PATCH /v1/auth/login-policy", USERS, {"mfaRequired": False}),
    # Single sign-on, which the scene's account has not set up.
    Row("GET /v1/auth/sso", "404 403 403 403 403 403 403"),
    Row("PATCH /v1/auth/sso", "400 403 403 403 403 403 403", {"name": "Example"}),
    Row("DELETE /v1/auth/sso", "404 403 403 403 403 403 403"),
    Row("POST /v1/auth/sso/test", "404 403 403 403 403 403 403"),
    Row("DELETE /v1/auth/sso/identities/{spare_user_id}", "404 403 403 403 403 403 403"),
    # All of them alike. A secret key lists its environment's keys, and changes none.
    Row("GET /v1/auth/credentials", "ok ok ok ok 403 403 403"),
    Row("GET /v1/auth/credentials/due", "ok ok ok ok 403 403 403"),
    Row("POST /v1/auth/credentials/import", USERS, {"token": "pat_of_another_server_{unique}"}),
    Row("PATCH /v1/auth/credentials/{credential_id}", USERS, NEW_NAME),
    Row("DELETE /v1/auth/credentials/{credential_id}", USERS),
    Row("GET /v1/auth/key-policy", "ok ok ok ok 403 403 403"),
    Row("PUT /v1/auth/key-policy", USERS, {"maxAgeDays": 0}),
    # Whoever is let in asks of the own token here.
    Row("POST /v1/oauth/introspect", "ok ok ok ok ok ok ok", {"token": "any"}),
    # Environments. A space token reads the settings of its environment.
    Row("GET /v1/environments", LIST),
    Row("POST /v1/environments", USERS, {"name": "{unique}", "isProd": False}),
    Row("GET /v1/environments/{environment_id}", "ok ok 404 404 403 404 404"),
    Row("PATCH /v1/environments/{environment_id}", IN_ENVIRONMENT, {"name": "{fresh}"}),
    Row("DELETE /v1/environments/{environment_id}", IN_ENVIRONMENT),
    Row("GET /v1/environments/{environment_id}/variables", IN_ENVIRONMENT),
    Row("PUT /v1/environments/{environment_id}/variables/{name}", IN_ENVIRONMENT, {"value": "new"}),
    Row("DELETE /v1/environments/{environment_id}/variables/{name}", IN_ENVIRONMENT),
    Row("GET /v1/agents", "ok ok 404 404 403 404 404", query=OF_ENVIRONMENT),
    # Events and following them.
    Row("GET /v1/events", LIST),
    Row("POST /v1/events", IN_ENVIRONMENT, NEW_EVENT),
    Row("GET /v1/events/{event_id}", IN_SPACE),
    Row("POST /v1/events/{event_id}/ack", IN_SPACE),
    Row("GET /v1/events/stream", IN_SPACE, query="?spaceId={space_id}"),
    Row("GET /v1/subscription", IN_SPACE, query="?scope={space_id}"),
    Row("GET /v1/environments/subscription-token", "ok ok 404 404 403 404 404", query=OF_ENVIRONMENT),
    # Secrets are for keyholders: space tokens are handed to browsers.
    Row("GET /v1/secrets", IN_ENVIRONMENT, query=OF_ENVIRONMENT + "&spaceId={space_id}"),
    Row("POST /v1/secrets", IN_ENVIRONMENT, NEW_SECRET),
    Row("DELETE /v1/secrets/{secret_id}", IN_ENVIRONMENT),
    Row("GET /v1/secrets/versions", IN_ENVIRONMENT, query=OF_ENVIRONMENT + "&spaceId={space_id}"),
    Row("GET /v1/secrets/search", LISTED_KEYS, query="?name=GREETING"),
    Row("GET /v1/secrets/verify", IN_ENVIRONMENT, query=OF_ENVIRONMENT),
    Row("POST /v1/secrets/rekey", IN_ENVIRONMENT, query=OF_ENVIRONMENT),
    Row("GET /v1/secrets/{secret_id}/versions", IN_ENVIRONMENT),
    Row("POST /v1/secrets/{secret_id}/rotate", IN_ENVIRONMENT, {"length": 43}),
    Row("POST /v1/secrets/{secret_id}/rollback", IN_ENVIRONMENT, {}),
    Row("POST /v1/secrets/{secret_id}/promote", "409 409 404 404 403 403 403", {}),
    Row("PUT /v1/secrets/{secret_id}/schedule", IN_ENVIRONMENT, {"days": 90}),
    # Webhooks.
    Row("GET /v1/webhooks", IN_ENVIRONMENT, query=OF_ENVIRONMENT),
    Row("POST /v1/webhooks", IN_ENVIRONMENT, NEW_WEBHOOK),
    Row("GET /v1/webhooks/{webhook_id}", IN_ENVIRONMENT),
    Row("PATCH /v1/webhooks/{webhook_id}", IN_ENVIRONMENT, {"description": "new"}),
    Row("DELETE /v1/webhooks/{webhook_id}", IN_ENVIRONMENT),
    Row("POST /v1/webhooks/{webhook_id}/rotate", IN_ENVIRONMENT, {"overlapSeconds": 60}),
    Row("POST /v1/webhooks/{webhook_id}/test", IN_ENVIRONMENT),
    Row("POST /v1/webhooks/{webhook_id}/replay", IN_ENVIRONMENT, {"since": "2200-01-01T00:00:00Z"}),
    Row("GET /v1/webhooks/{webhook_id}/deliveries", IN_ENVIRONMENT),
    Row("GET /v1/webhooks/{webhook_id}/deliveries/{event_id}", IN_ENVIRONMENT),
    Row("POST /v1/webhooks/{webhook_id}/deliveries/{event_id}/replay", IN_ENVIRONMENT),
    # Spaces. A publishable key begins one; a space token changes its own, and neither begins nor ends one.
    Row("GET /v1/spaces", LIST),
    Row("POST /v1/spaces", "ok ok 404 404 ok 403 403", {"name": "new", "environmentId": "{environment_id}"}),
    Row("DELETE /v1/spaces", IN_ENVIRONMENT, query="?spaceIds={space_id}"),
    Row("GET /v1/spaces/{space_id}", IN_SPACE),
    Row("PATCH /v1/spaces/{space_id}", IN_SPACE, NEW_NAME),
    Row("DELETE /v1/spaces/{space_id}", IN_ENVIRONMENT),
    Row("POST /v1/spaces/{space_id}/archive", IN_SPACE),
    Row("POST /v1/spaces/{space_id}/unarchive", IN_SPACE),
    # Guests: who may let people into a space. Guests see and invite others only where the space's metadata says so.
    Row("GET /v1/guests", GUESTS_OF_SPACE, query="?spaceId={space_id}"),
    Row("POST /v1/guests", GUESTS_OF_SPACE, [NEW_GUEST]),
    Row("GET /v1/guests/{guest_id}", GUESTS_OF_SPACE),
    Row("PATCH /v1/guests/{guest_id}", GUESTS_OF_SPACE, NEW_NAME),
    Row("DELETE /v1/guests/{guest_id}", GUESTS_OF_SPACE),
    Row("GET /v1/guests/{guest_id}/roles", GUESTS_OF_SPACE),
    Row("POST /v1/guests/{guest_id}/roles", GUESTS_OF_SPACE, GIVEN_ROLE),
    Row("DELETE /v1/guests/{guest_id}/roles/{guests_role_id}", GUESTS_OF_SPACE),
    Row("GET /v1/guests/{guest_id}/token", GUESTS_OF_SPACE, query="?spaceId={space_id}"),
    Row("POST /v1/invitations", GUESTS_OF_SPACE, [{"guestId": "{guest_id}", "spaceId": "{space_id}"}]),
    # Workbooks, sheets and records: all of the space, but a space token changes sheets through their workbook.
    Row("GET /v1/workbooks", LIST),
    Row("POST /v1/workbooks", IN_SPACE, NEW_BOOK),
    Row("GET /v1/workbooks/{workbook_id}", IN_SPACE),
    Row("PATCH /v1/workbooks/{workbook_id}", IN_SPACE, NEW_NAME),
    Row("DELETE /v1/workbooks/{workbook_id}", IN_SPACE),
    Row("GET /v1/sheets", IN_SPACE, query="?workbookId={workbook_id}"),
    Row("GET /v1/sheets/{sheet_id}", IN_SPACE),
    Row("PATCH /v1/sheets/{sheet_id}", IN_ENVIRONMENT, NEW_NAME),
    Row("DELETE /v1/sheets/{sheet_id}", IN_ENVIRONMENT),
    Row("GET /v1/sheets/{sheet_id}/counts", IN_SPACE),
    Row("GET /v1/sheets/{sheet_id}/records", IN_SPACE),
    Row("POST /v1/sheets/{sheet_id}/records", IN_SPACE, NEW_RECORDS),
    Row("PUT /v1/sheets/{sheet_id}/records", IN_SPACE, CHANGED_RECORDS),
    Row("DELETE /v1/sheets/{sheet_id}/records", IN_SPACE, query="?ids={record_id}"),
    Row("GET /v1/commits/{commit_id}", IN_SPACE),
    Row("POST /v1/commits/{commit_id}/complete", IN_SPACE),
    # Documents and actions: a space token's own.
    Row("GET /v1/spaces/{space_id}/documents", IN_SPACE),
    Row("POST /v1/spaces/{space_id}/documents", IN_SPACE, NEW_DOCUMENT),
    Row("GET /v1/spaces/{space_id}/documents/{document_id}", IN_SPACE),
    Row("PATCH /v1/spaces/{space_id}/documents/{document_id}", IN_SPACE, {"title": "new"}),
    Row("DELETE /v1/spaces/{space_id}/documents/{document_id}", IN_SPACE),
    Row("GET /v1/actions", IN_SPACE, query="?spaceId={space_id}"),
    Row("POST /v1/actions", IN_SPACE, NEW_ACTION, "?spaceId={space_id}"),
    Row("POST /v1/actions/bulk", IN_SPACE, [NEW_ACTION], "?spaceId={space_id}"),
    Row("GET /v1/actions/{action_id}", IN_SPACE),
    Row("PATCH /v1/actions/{action_id}", IN_SPACE, {"label": "new"}),
    Row("DELETE /v1/actions/{action_id}", IN_SPACE),
    Row("GET /v1/entitlements", IN_SPACE, query="?resourceId={space_id}"),
    Row("POST /v1/versions", IN_SPACE, {"sheetId": "{sheet_id}"}),
    # Jobs.
    Row("GET /v1/jobs", LIST),
    Row("POST /v1/jobs", IN_SPACE, NEW_JOB),
    Row("GET /v1/jobs/{job_id}", IN_SPACE),
    Row("PATCH /v1/jobs/{job_id}", IN_SPACE, {"info": "new"}),
    Row("DELETE /v1/jobs/{job_id}", IN_SPACE),
    Row("POST /v1/jobs/{idle_job_id}/execute", IN_SPACE),
    Row("POST /v1/jobs/{job_id}/ack", IN_SPACE),
    Row("POST /v1/jobs/{job_id}/complete", IN_SPACE),
    Row("POST /v1/jobs/{job_id}/fail", IN_SPACE),
    Row("POST /v1/jobs/{job_id}/cancel", IN_SPACE),
    Row("POST /v1/jobs/{failed_job_id}/retry", IN_SPACE),
    Row("POST /v1/jobs/{failed_job_id}/outcome/ack", IN_SPACE),
    Row("POST /v1/jobs/{job_id}/split", IN_SPACE, {"parts": 2}),
    # No job here has a plan: whoever reaches the job is told so, as everybody else is told of no job.
    Row("GET /v1/jobs/{job_id}/plan", "404 404 404 404 403 404 404"),
    Row("PUT /v1/jobs/{job_id}/plan", "404 404 404 404 403 404 404"),
    Row("PATCH /v1/jobs/{job_id}/plan", "404 404 404 404 403 404 404"),
)

#: Routes under /v1, /v2 and /time that take no bearer token, and what they answer when nothing else is sent.
PUBLIC = {
    "POST /v1/auth": 400,
    "POST /v1/credentials/revoke": 400,
    "POST /v1/oauth/token": 400,
    "POST /v1/oauth/device_authorization": 400,
    "POST /v1/oauth/revoke": 400,
    "POST /v1/credentials/secret-scanning": 400,
    "POST /v1/internal/spaces/init": 401,
    "POST /v1/invitations/exchange": 400,
    "GET /v2/subscribe/{subscribe_key}/{channel}/0": 403,
    "GET /v2/presence/sub-key/{subscribe_key}/channel/{channel}/leave": 403,
    "GET /v2/presence/sub-key/{subscribe_key}/channel/{channel}/heartbeat": 403,
    "GET /time/0": 200,
    "GET /.well-known/oauth-authorization-server": 200,
}
