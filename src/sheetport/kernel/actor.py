"""Who is calling, as far as permission checks need to know."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """The principals of the API."""

    USER = "user"
    SECRET_KEY = "secret_key"  # noqa: S105 - a kind of caller, not a secret
    PUBLISHABLE_KEY = "publishable_key"
    SPACE = "space"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """A verified caller.

    ``id`` is what audit and events record (a user id, a key id, a space id); ``token_id`` names the
    token used, so that cutting that token can cut what it opened. ``environment_id`` is None for a
    user, who reaches every environment of the account.
    """

    kind: ActorKind
    id: str
    account_id: str
    token_id: str
    environment_id: str | None = None
    space_id: str | None = None
    #: The pages that may use a publishable key, any when there are none.
    origins: tuple[str, ...] = ()

    def reaches(self, account_id: str, environment_id: str | None, space_id: str | None) -> bool:
        """Whether a thing of this account, environment and space may be known to the caller at all."""
        if self.kind is ActorKind.SYSTEM:
            return True
        if account_id != self.account_id:
            return False
        if self.environment_id is not None and environment_id != self.environment_id:
            return False
        return self.space_id is None or space_id == self.space_id


def system_actor(account_id: str, environment_id: str | None = None) -> Actor:
    """The server itself: schedulers, set-up and the command line on the server's own machine."""
    return Actor(ActorKind.SYSTEM, "system", account_id, "system", environment_id)
