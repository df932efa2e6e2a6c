"""What each kind of caller may do: one closed vocabulary and one table.

A permission is ``resource:action``. Deny is the default: a kind of caller has what its row lists.
"""

from __future__ import annotations

from enum import StrEnum

from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.errors import Forbidden


class Permission(StrEnum):
    """Every permission, alphabetical."""

    ACCOUNT_READ = "account:read"
    ACCOUNT_WRITE = "account:write"
    ACTION_READ = "action:read"
    ACTION_WRITE = "action:write"
    API_KEY_READ = "api-key:read"
    API_KEY_WRITE = "api-key:write"
    APP_READ = "app:read"
    APP_WRITE = "app:write"
    DOCUMENT_READ = "document:read"
    DOCUMENT_WRITE = "document:write"
    ENTITLEMENT_READ = "entitlement:read"
    ENVIRONMENT_CREATE = "environment:create"
    ENVIRONMENT_READ = "environment:read"
    ENVIRONMENT_WRITE = "environment:write"
    EVENT_CREATE = "event:create"
    EVENT_READ = "event:read"
    EVENT_SUBSCRIBE = "event:subscribe"
    JOB_READ = "job:read"
    JOB_WRITE = "job:write"
    RECORD_READ = "record:read"
    RECORD_WRITE = "record:write"
    SECRET_READ = "secret:read"  # noqa: S105 - the name of a permission
    SECRET_WRITE = "secret:write"  # noqa: S105 - the name of a permission
    SHEET_READ = "sheet:read"
    SHEET_WRITE = "sheet:write"
    SPACE_CREATE = "space:create"
    SPACE_INIT = "space:init"
    SPACE_READ = "space:read"
    SPACE_WRITE = "space:write"
    TOKEN_READ = "token:read"  # noqa: S105 - the name of a permission
    TOKEN_WRITE = "token:write"  # noqa: S105 - the name of a permission
    USER_READ = "user:read"
    USER_WRITE = "user:write"
    VARIABLE_READ = "variable:read"
    VARIABLE_WRITE = "variable:write"
    WORKBOOK_READ = "workbook:read"
    WORKBOOK_WRITE = "workbook:write"


P = Permission
_EVERYTHING = frozenset(P)
#: A secret key does everything inside its environment and nothing above it.
_ABOVE_ENVIRONMENT = frozenset(
    {
        P.ACCOUNT_WRITE,
        P.API_KEY_WRITE,
        P.APP_WRITE,
        P.ENVIRONMENT_CREATE,
        P.TOKEN_READ,
        P.TOKEN_WRITE,
        P.USER_READ,
        P.USER_WRITE,
    }
)
#: A space token is handed to browsers: the space's data, no secrets, nothing beside the space.
_IN_SPACE = frozenset(
    {
        P.ACTION_READ,
        P.ACTION_WRITE,
        P.DOCUMENT_READ,
        P.DOCUMENT_WRITE,
        P.ENTITLEMENT_READ,
        P.ENVIRONMENT_READ,
        P.EVENT_READ,
        P.EVENT_SUBSCRIBE,
        P.JOB_READ,
        P.JOB_WRITE,
        P.RECORD_READ,
        P.RECORD_WRITE,
        P.SHEET_READ,
        P.SPACE_READ,
        P.SPACE_WRITE,
        P.WORKBOOK_READ,
        P.WORKBOOK_WRITE,
    }
)

GRANTED: dict[ActorKind, frozenset[Permission]] = {
    ActorKind.SYSTEM: _EVERYTHING,
    ActorKind.USER: _EVERYTHING,
    ActorKind.SECRET_KEY: _EVERYTHING - _ABOVE_ENVIRONMENT,
    ActorKind.PUBLISHABLE_KEY: frozenset({P.SPACE_INIT}),
    ActorKind.SPACE: _IN_SPACE,
}

_CALLER = {
    ActorKind.USER: "Your user",
    ActorKind.SECRET_KEY: "A secret key",
    ActorKind.PUBLISHABLE_KEY: "A publishable key can only initialise spaces; it",
    ActorKind.SPACE: "A space token",
    ActorKind.SYSTEM: "The server",
}


def may(actor: Actor, permission: Permission) -> bool:
    """Whether the caller's kind has the permission at all (which object is a separate question)."""
    return permission in GRANTED[actor.kind]


def require(actor: Actor, permission: Permission) -> None:
    """Raise Forbidden unless :func:`may`."""
    if not may(actor, permission):
        raise Forbidden(f"{_CALLER[actor.kind]} may not do this: it lacks '{permission}'.", "permission")
