"""What the standards call things, and what is wanted and told of tokens."""

from __future__ import annotations

from dataclasses import dataclass, field

from sheetport.features.auth.model import Minted
from sheetport.kernel.errors import Invalid

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - the name of a grant type
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a token type
#: Seconds that an exchanged token lives: by default, and at least and most that can be asked for.
DEFAULT_LIFETIME, MIN_LIFETIME, MAX_LIFETIME = 3_600, 1, 30 * 86_400


class OAuthError(Invalid):
    """A refusal with the standards' word for it."""

    def __init__(self, code: str, message: str, key: str) -> None:
        super().__init__(message, key)
        self.code = code


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a narrower token shall be: on the thing of this id, with these permissions, for so many seconds at most.

    Without ``target`` it reaches what its subject reaches; without ``permissions`` it may what its subject may.
    """

    target: str | None = None
    permissions: tuple[str, ...] = ()
    lifetime: int = DEFAULT_LIFETIME


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A narrowed token, when it expires (milliseconds) and all that it may do."""

    minted: Minted
    expires_at: int
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What introspection tells of a token that is active; ``expires_at`` None is never."""

    subject: str
    token_id: str
    issued_at: int | None
    expires_at: int | None
    permissions: tuple[str, ...]
    target: str | None = field(default=None)
