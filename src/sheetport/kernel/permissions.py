"""Who may do what: one closed vocabulary and one table.

A permission is ``resource:action``. Deny is the default. The row of a kind of caller is the most it may ever do; a
user, a guest or an agent has what its roles give, and the row of a role says what that is.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from itertools import zip_longest

from sheetport.kernel.actor import Actor, ActorKind, Grant, Path
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
    AUDIT_ERASE = "audit:erase"
    AUDIT_READ = "audit:read"
    DOCUMENT_READ = "document:read"
    DOCUMENT_WRITE = "document:write"
    ENTITLEMENT_READ = "entitlement:read"
    ENVIRONMENT_CREATE = "environment:create"
    ENVIRONMENT_READ = "environment:read"
    ENVIRONMENT_WRITE = "environment:write"
    EVENT_CREATE = "event:create"
    EVENT_READ = "event:read"
    EVENT_SUBSCRIBE = "event:subscribe"
    GUEST_READ = "guest:read"
    GUEST_WRITE = "guest:write"
    JOB_READ = "job:read"
    JOB_WRITE = "job:write"
    RECORD_READ = "record:read"
    RECORD_WRITE = "record:write"
    ROLE_READ = "role:read"
    ROLE_WRITE = "role:write"
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
    WEBHOOK_READ = "webhook:read"
    WEBHOOK_WRITE = "webhook:write"
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
        P.AUDIT_ERASE,
        P.AUDIT_READ,
        P.ENVIRONMENT_CREATE,
        P.ROLE_READ,
        P.ROLE_WRITE,
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

#: A grant gives these only if it is on the whole account: what they are about lies in no environment.
ACCOUNT_WIDE = frozenset(
    {
        P.ACCOUNT_WRITE,
        P.APP_WRITE,
        P.AUDIT_ERASE,
        P.AUDIT_READ,
        P.ENVIRONMENT_CREATE,
        P.ROLE_WRITE,
        P.USER_READ,
        P.USER_WRITE,
    }
)
#: What every user does with their own sign-ins and tokens, and reads of their account.
_OWN = frozenset({P.ACCOUNT_READ, P.APP_READ, P.TOKEN_READ, P.TOKEN_WRITE})
#: The data and files of a space, not its management.
_DATA = frozenset(
    {
        P.ACTION_READ,
        P.DOCUMENT_READ,
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
        P.WORKBOOK_READ,
    }
)
_OF_GUESTS = frozenset({P.GUEST_READ, P.GUEST_WRITE})
_WORK = _IN_SPACE | _OF_GUESTS | {P.EVENT_CREATE, P.SHEET_WRITE, P.SPACE_CREATE}

#: The most that each kind of caller may do.
GRANTED: dict[ActorKind, frozenset[Permission]] = {
    ActorKind.SYSTEM: _EVERYTHING,
    ActorKind.USER: _EVERYTHING,
    ActorKind.SECRET_KEY: _EVERYTHING - _ABOVE_ENVIRONMENT,
    ActorKind.AGENT: _EVERYTHING - _ABOVE_ENVIRONMENT,
    ActorKind.PUBLISHABLE_KEY: frozenset({P.SPACE_INIT}),
    ActorKind.SPACE: _IN_SPACE,
    ActorKind.GUEST: _IN_SPACE | _OF_GUESTS,
}


class BuiltInRole(StrEnum):
    """The roles that every account has, by name, the most powerful first."""

    ADMINISTRATOR = "Administrator"
    ADMIN = "Admin"
    USER = "User"
    GUEST = "Guest"


#: What each built-in role gives on the thing it is granted on.
ROLES: dict[BuiltInRole, frozenset[Permission]] = {
    BuiltInRole.ADMINISTRATOR: _EVERYTHING,
    BuiltInRole.ADMIN: _EVERYTHING - {P.ACCOUNT_WRITE, P.AUDIT_ERASE, P.ROLE_WRITE},
    BuiltInRole.USER: _WORK | _OWN,
    BuiltInRole.GUEST: _DATA | _OWN,
}

#: What guests have in a space that they are let into, and in the workbooks and sheets when it is not all of it. Whether
#: they may invite others is a setting of the space.
GUEST_IN_SPACE = frozenset[str](_DATA | _OF_GUESTS)
GUEST_IN_PART = frozenset[str](_DATA)

_CALLER = {
    ActorKind.USER: "Your user",
    ActorKind.SECRET_KEY: "A secret key",
    ActorKind.PUBLISHABLE_KEY: "A publishable key can only initialise spaces; it",
    ActorKind.SPACE: "A space token",
    ActorKind.GUEST: "A guest",
    ActorKind.AGENT: "An agent",
    ActorKind.SYSTEM: "The server",
}


def may(actor: Actor, permission: Permission) -> bool:
    """Whether the caller has the permission on anything at all (which object is a separate question)."""
    if permission not in GRANTED[actor.kind]:
        return False
    return actor.grants is None or any(
        grant.environment_id is None or permission not in ACCOUNT_WIDE
        for grant in actor.grants
        if permission in grant.permissions
    )


def holds(actor: Actor, permission: Permission, *path: str | None) -> bool:
    """Whether the caller has the permission on the thing at ``path``, which it has been found to reach."""
    return permission in GRANTED[actor.kind] and actor.is_granted(permission, path)


def require(actor: Actor, permission: Permission) -> Actor:
    """The caller as one who needs ``permission`` for what follows: it reaches only what that is granted on.

    Raises Forbidden unless :func:`may`.
    """
    if not may(actor, permission):
        raise Forbidden(lack(actor, permission), "permission")
    return actor if actor.grants is None else replace(actor, required=actor.required | {permission})


#: What a token that only reads may do: it reads everything but the values of secrets.
READING = frozenset(p for p in P if p.endswith((":read", ":subscribe"))) - {P.SECRET_READ}
#: With one of these a narrowed token could make itself a wider one.
_WIDENING = frozenset({P.API_KEY_WRITE, P.ROLE_WRITE, P.TOKEN_WRITE, P.USER_WRITE})


def narrow(actor: Actor, permissions: frozenset[Permission], *path: str | None) -> Actor:
    """The caller with these permissions at most, on what lies at ``path`` (the whole account, if it is empty).

    It makes no credentials and gives no roles: what is narrowed stays so.
    """
    everything = (Grant(frozenset(GRANTED[actor.kind])),)
    wanted = frozenset(permissions - _WIDENING)
    kept = [
        Grant(grant.permissions & wanted, *both)
        for grant in (everything if actor.grants is None else actor.grants)
        if (both := _overlap(grant.path, path)) is not None and grant.permissions & wanted
    ]
    return replace(actor, grants=tuple(kept))


def _overlap(one: Path, other: Path) -> Path | None:
    """The narrower of two places of which one holds the other, None when they lie apart."""
    pairs = list(zip_longest(one, other))
    if any(None not in pair and pair[0] != pair[1] for pair in pairs):
        return None
    return tuple(first or second for first, second in pairs)


def lack(actor: Actor, permission: str) -> str:
    """What to tell a caller without a permission."""
    return f"{_CALLER[actor.kind]} may not do this: it lacks '{permission}'."
