"""What each row of permission_table.py needs of a user: a permission, and the thing on which it has to be granted.

``environment:write environment`` is needed on that very environment (or all that holds it): whoever has it on less may
know of the environment and is refused. ``job:read in workbook`` is about something in the workbook, which is not found
by whoever has the permission on less. ``space:read around space`` is answered to whoever has it on anything in there.
``any`` is wherever it was granted; ``self`` is about what is the Administrator's own, refused to all others, and
``in self`` not found by them; ``own`` is every user's, without any permission.
"""

from __future__ import annotations

from sheetport.kernel.permissions import ACCOUNT_WIDE, ROLES, BuiltInRole

ACCOUNT, ENVIRONMENT, SPACE, WORKBOOK, SHEET = range(5)
_LEVELS = {"account": ACCOUNT, "environment": ENVIRONMENT, "space": SPACE, "workbook": WORKBOOK, "sheet": SHEET}
#: Users with one role each, and how deep the thing lies that it is on; ``nobody`` has none.
ROLE_USERS = {
    "admin": (BuiltInRole.ADMIN, ACCOUNT),
    "member": (BuiltInRole.USER, ACCOUNT),
    "guest_user": (BuiltInRole.GUEST, ACCOUNT),
    "environment_admin": (BuiltInRole.ADMIN, ENVIRONMENT),
    "space_administrator": (BuiltInRole.ADMINISTRATOR, SPACE),
    "workbook_member": (BuiltInRole.USER, WORKBOOK),
    "sheet_guest": (BuiltInRole.GUEST, SHEET),
    "nobody": (None, ACCOUNT),
}
NEEDS = {
    "GET /v1/accounts/current": "account:read any",
    "PATCH /v1/accounts/current": "account:write account",
    "GET /v1/users": "user:read account",
    "GET /v1/users/{user_id}": "user:read account",
    "PATCH /v1/users/{user_id}": "user:write account",
    "GET /v1/users/{user_id}/api-token": "token:read self",
    "POST /v1/users/{user_id}/api-token": "token:write self",
    "POST /v1/users/{user_id}/api-token/{client_id}/rotate": "token:write self",
    "POST /v1/users/invite": "user:write account",
    "POST /v1/users/{invited_user_id}/resend-invite": "user:write account",
    "POST /v1/users/{spare_user_id}/disable": "user:write account",
    "POST /v1/users/{spare_user_id}/enable": "user:write account",
    "DELETE /v1/users/{spare_user_id}": "user:write account",
    "GET /v1/roles": "role:read any",
    "POST /v1/roles": "role:write account",
    "PATCH /v1/roles/{role_id}": "role:write account",
    "DELETE /v1/roles/{role_id}": "role:write account",
    "GET /v1/users/{spare_user_id}/roles": "user:read account",
    "POST /v1/users/{spare_user_id}/roles": "user:write account",
    "DELETE /v1/users/{spare_user_id}/roles/{actor_role_id}": "user:write account",
    "GET /v1/agents/{agent_id}/roles": "environment:read in environment",
    "POST /v1/agents/{agent_id}/roles": "environment:write in environment",
    "DELETE /v1/agents/{agent_id}/roles/{agent_role_id}": "environment:write in environment",
    "GET /v1/apps": "app:read any",
    "POST /v1/apps": "app:write account",
    "GET /v1/apps/{app_id}": "app:read any",
    "PATCH /v1/apps/{app_id}": "app:write account",
    "DELETE /v1/apps/{app_id}": "app:write account",
    "POST /v1/auth/refresh-token": "token:write any",
    "GET /v1/auth/api-keys": "api-key:read environment",
    "GET /v1/auth/publishable-key": "api-key:read environment",
    "POST /v1/auth/api-key": "api-key:write environment",
    "DELETE /v1/auth/api-key": "api-key:write environment",
    "POST /v1/auth/api-key/rotate": "api-key:write environment",
    "POST /v1/auth/personal-access-tokens/{access_token_id}/rotate": "token:write in self",
    "GET /v1/auth/personal-access-tokens": "token:read any",
    "POST /v1/auth/personal-access-tokens": "token:write any",
    "DELETE /v1/auth/personal-access-tokens/{access_token_id}": "token:write in self",
    "GET /v1/auth/sessions": "token:read any",
    "DELETE /v1/auth/sessions": "token:write any",
    "DELETE /v1/auth/sessions/{session_id}": "token:write in self",
    "POST /v1/auth/sessions/current/proof": "own",
    "POST /v1/oauth/introspect": "own",
    "POST /v1/auth/password": "token:write any",
    "GET /v1/auth/factors": "token:read any",
    "POST /v1/auth/factors/totp": "token:write any",
    "POST /v1/auth/factors/totp/confirm": "token:write any",
    "DELETE /v1/auth/factors/totp": "token:write any",
    "POST /v1/auth/factors/recovery-codes": "token:write any",
    "PATCH /v1/auth/factors/passkeys/{passkey_id}": "token:write any",
    "DELETE /v1/auth/factors/passkeys/{passkey_id}": "token:write any",
    "GET /v1/auth/login-policy": "token:read any",
    "PATCH /v1/auth/login-policy": "account:write account",
    "GET /v1/auth/sso": "account:write account",
    "PATCH /v1/auth/sso": "account:write account",
    "DELETE /v1/auth/sso": "account:write account",
    "POST /v1/auth/sso/test": "account:write account",
    "DELETE /v1/auth/sso/identities/{spare_user_id}": "account:write account",
    "GET /v1/audit": "audit:read account",
    "GET /v1/audit/export": "audit:read account",
    "GET /v1/audit/checkpoints": "audit:read account",
    "GET /v1/auth/credentials": "api-key:read any or token:read any",
    "GET /v1/auth/credentials/due": "api-key:read any or token:read any",
    "POST /v1/auth/credentials/import": "token:write any",
    "PATCH /v1/auth/credentials/{credential_id}": "token:write in self",
    "DELETE /v1/auth/credentials/{credential_id}": "token:write in self or user:write account",
    "GET /v1/auth/key-policy": "account:read any",
    "PUT /v1/auth/key-policy": "account:write account",
    "GET /v1/environments": "environment:read any",
    "POST /v1/environments": "environment:create account",
    "GET /v1/environments/{environment_id}": "environment:read around environment",
    "PATCH /v1/environments/{environment_id}": "environment:write environment",
    "DELETE /v1/environments/{environment_id}": "environment:write environment",
    "GET /v1/environments/{environment_id}/variables": "variable:read environment",
    "PUT /v1/environments/{environment_id}/variables/{name}": "variable:write environment",
    "DELETE /v1/environments/{environment_id}/variables/{name}": "variable:write environment",
    "GET /v1/agents": "environment:read around environment",
    "GET /v1/events": "event:read any",
    "POST /v1/events": "event:create space",
    "GET /v1/events/{event_id}": "event:read in space",
    "POST /v1/events/{event_id}/ack": "event:subscribe in space",
    "GET /v1/events/stream": "event:subscribe around space",
    "GET /v1/subscription": "event:subscribe around space",
    "GET /v1/environments/subscription-token": "event:subscribe around environment",
    "GET /v1/secrets": "secret:read environment",
    "POST /v1/secrets": "secret:write environment",
    "DELETE /v1/secrets/{secret_id}": "secret:write in space",
    "GET /v1/secrets/versions": "secret:read environment",
    "GET /v1/secrets/search": "secret:read any",
    "GET /v1/secrets/verify": "secret:write environment",
    "POST /v1/secrets/rekey": "secret:write environment",
    "GET /v1/secrets/{secret_id}/versions": "secret:read in space",
    "POST /v1/secrets/{secret_id}/rotate": "secret:write in space",
    "POST /v1/secrets/{secret_id}/rollback": "secret:write in space",
    "POST /v1/secrets/{secret_id}/promote": "secret:write in space",
    "PUT /v1/secrets/{secret_id}/schedule": "secret:write in space",
    "GET /v1/spaces": "space:read any",
    "POST /v1/spaces": "space:create environment",
    "DELETE /v1/spaces": "space:create space",
    "GET /v1/spaces/{space_id}": "space:read around space",
    "PATCH /v1/spaces/{space_id}": "space:write space",
    "DELETE /v1/spaces/{space_id}": "space:create space",
    "POST /v1/spaces/{space_id}/archive": "space:write space",
    "POST /v1/spaces/{space_id}/unarchive": "space:write space",
    "GET /v1/guests": "guest:read space",
    "POST /v1/guests": "guest:write space",
    "GET /v1/guests/{guest_id}": "guest:read in space",
    "PATCH /v1/guests/{guest_id}": "guest:write in space",
    "DELETE /v1/guests/{guest_id}": "guest:write in space",
    "GET /v1/guests/{guest_id}/roles": "guest:read in space",
    "POST /v1/guests/{guest_id}/roles": "guest:write in space",
    "DELETE /v1/guests/{guest_id}/roles/{guests_role_id}": "guest:write in space",
    "GET /v1/guests/{guest_id}/token": "guest:write in space",
    "POST /v1/invitations": "guest:write space",
    "GET /v1/workbooks": "workbook:read any",
    "POST /v1/workbooks": "workbook:write space",
    "GET /v1/workbooks/{workbook_id}": "workbook:read around workbook",
    "PATCH /v1/workbooks/{workbook_id}": "workbook:write workbook",
    "DELETE /v1/workbooks/{workbook_id}": "workbook:write workbook",
    "GET /v1/sheets": "sheet:read around workbook",
    "GET /v1/sheets/{sheet_id}": "sheet:read sheet",
    "PATCH /v1/sheets/{sheet_id}": "sheet:write sheet",
    "DELETE /v1/sheets/{sheet_id}": "sheet:write sheet",
    "GET /v1/sheets/{sheet_id}/counts": "record:read sheet",
    "GET /v1/sheets/{sheet_id}/records": "record:read sheet",
    "POST /v1/sheets/{sheet_id}/records": "record:write sheet",
    "PUT /v1/sheets/{sheet_id}/records": "record:write sheet",
    "DELETE /v1/sheets/{sheet_id}/records": "record:write sheet",
    "GET /v1/commits/{commit_id}": "record:read sheet",
    "POST /v1/commits/{commit_id}/complete": "record:write sheet",
    "GET /v1/spaces/{space_id}/documents": "document:read space",
    "POST /v1/spaces/{space_id}/documents": "document:write space",
    "GET /v1/spaces/{space_id}/documents/{document_id}": "document:read space",
    "PATCH /v1/spaces/{space_id}/documents/{document_id}": "document:write space",
    "DELETE /v1/spaces/{space_id}/documents/{document_id}": "document:write space",
    "GET /v1/actions": "action:read around space",
    "POST /v1/actions": "action:write workbook",
    "POST /v1/actions/bulk": "action:write workbook",
    "GET /v1/actions/{action_id}": "action:read in workbook",
    "PATCH /v1/actions/{action_id}": "action:write in workbook",
    "DELETE /v1/actions/{action_id}": "action:write in workbook",
    "GET /v1/entitlements": "entitlement:read around space",
    "POST /v1/versions": "record:write sheet",
    "GET /v1/jobs": "job:read any",
    "POST /v1/jobs": "job:write workbook",
    "GET /v1/jobs/{job_id}": "job:read in workbook",
    "PATCH /v1/jobs/{job_id}": "job:write in workbook",
    "DELETE /v1/jobs/{job_id}": "job:write in workbook",
    "POST /v1/jobs/{idle_job_id}/execute": "job:write in workbook",
    "POST /v1/jobs/{job_id}/ack": "job:write in workbook",
    "POST /v1/jobs/{job_id}/complete": "job:write in workbook",
    "POST /v1/jobs/{job_id}/fail": "job:write in workbook",
    "POST /v1/jobs/{job_id}/cancel": "job:write in workbook",
    "POST /v1/jobs/{failed_job_id}/retry": "job:write in workbook",
    "POST /v1/jobs/{failed_job_id}/outcome/ack": "job:write in workbook",
    "POST /v1/jobs/{job_id}/split": "job:write in workbook",
    "GET /v1/jobs/{job_id}/plan": "job:read in workbook",
    "PUT /v1/jobs/{job_id}/plan": "job:write in workbook",
    "PATCH /v1/jobs/{job_id}/plan": "job:write in workbook",
}


def outcome_of(route: str, user: str, let_in: int) -> int:
    """The status of a row's route for a user of ROLE_USERS; ``let_in`` is what an Administrator of the account gets."""
    outcomes = [_outcome(needed, user, let_in) for needed in NEEDS[route].split(" or ")]
    return let_in if let_in in outcomes else outcomes[0]


def _outcome(needed: str, user: str, let_in: int) -> int:
    permission, _, where = needed.partition(" ")
    if permission == "own":
        return let_in
    role, depth = ROLE_USERS[user]
    if role is None or permission not in ROLES[role] or (depth > ACCOUNT and permission in ACCOUNT_WIDE):
        return 403
    how, _, level = where.rpartition(" ")
    if level == "self":
        return 404 if how else 403
    if level == "any" or how == "around" or depth <= _LEVELS[level]:
        return let_in
    return 404 if how == "in" else 403
