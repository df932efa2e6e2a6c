"""The errors a service may raise. Only ``http`` knows which status each becomes.

Every error carries ``key`` (the field at fault, or a stable word such as ``general``) and a message
that says what to do; ``more`` holds further (key, message) pairs of the same refusal.
"""

from __future__ import annotations


class SheetportError(Exception):
    """Base of all refusals."""

    def __init__(self, message: str, key: str = "general", more: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.key = key
        self.more = more


class Invalid(SheetportError):
    """The request cannot be understood or breaks a rule (400)."""


class Unauthenticated(SheetportError):
    """No token, or one that is unknown, revoked, expired or of the wrong kind (401)."""

    #: What the WWW-Authenticate header says.
    challenge = 'Bearer realm="sheetport"'

    def __init__(
        self, message: str = "Send a valid token as 'Authorization: Bearer <token>'.", key: str = "auth"
    ) -> None:
        super().__init__(message, key)


class Forbidden(SheetportError):
    """The caller may know of the thing but not do this to it (403)."""


class NotFound(SheetportError):
    """Absent, or not for this caller to know of (404)."""


class Conflict(SheetportError):
    """The thing's present state does not allow it (409)."""


class TooLarge(SheetportError):
    """A body or a value over its limit (413)."""


class TooMany(SheetportError):
    """A quota or a rate is used up (429)."""

    def __init__(self, message: str, key: str = "limit", retry_after: int | None = None) -> None:
        super().__init__(message, key)
        self.retry_after = retry_after


class Unavailable(SheetportError):
    """Something the server needs is away for now; nothing was changed (503)."""


class KeysOutdated(Unavailable):
    """The key file, as this process read it, lacks a key-encryption key that the database needs by now.

    Where several processes share a database, the work is repeated once the file was read again.
    """
