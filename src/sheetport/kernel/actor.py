"""Who is calling, as far as permission checks need to know."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from itertools import zip_longest


class ActorKind(StrEnum):
    """The principals of the API."""

    USER = "user"
    SECRET_KEY = "secret_key"  # noqa: S105 - a kind of caller, not a secret
    PUBLISHABLE_KEY = "publishable_key"
    SPACE = "space"
    GUEST = "guest"
    AGENT = "agent"
    SYSTEM = "system"


#: Where a thing lies: the ids of its environment, space, workbook and sheet, its own among them; the last ones may be
#: left out.
Path = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """Permissions (values of ``Permission``) on one thing and all that lies in it.

    The thing is the narrowest id that is not None, named with everything it lies in: a sheet's grant names its
    workbook, space and environment too. With no id at all it is the whole account.
    """

    permissions: frozenset[str]
    environment_id: str | None = None
    space_id: str | None = None
    workbook_id: str | None = None
    sheet_id: str | None = None

    @property
    def path(self) -> Path:
        return self.environment_id, self.space_id, self.workbook_id, self.sheet_id

    def covers(self, path: Path) -> bool:
        """Whether what lies at ``path`` is the granted thing or lies in it."""
        return all(own is None or own == its for own, its in zip_longest(self.path, path))

    def lies_in(self, path: Path) -> bool:
        """Whether the environment, space, workbook or sheet at ``path`` holds the granted thing."""
        return all(its is None or own == its for own, its in zip_longest(self.path, path))


@dataclass(frozen=True, slots=True)
class Actor:
    """A verified caller.

    ``id`` is what audit and events record (a user id, a key id, a space id); ``token_id`` names the
    token used, so that cutting that token can cut what it opened. ``environment_id`` is None for a
    user; it and ``space_id`` bound what the caller may know of, whatever the grants say.
    """

    kind: ActorKind
    id: str
    account_id: str
    token_id: str
    environment_id: str | None = None
    space_id: str | None = None
    #: The pages that may use a publishable key, any when there are none.
    origins: tuple[str, ...] = ()
    #: The calls that the token may make, pairs of a method and a path's pattern; any when there are none.
    operations: tuple[tuple[str, str], ...] = ()
    #: The addresses and networks from which the token may be used, any when there are none.
    networks: tuple[str, ...] = ()
    #: What the caller was given; None is all that its kind may do, wherever it reaches.
    grants: tuple[Grant, ...] | None = None
    #: The permissions that the present call needs: a thing is reached if each of them is granted on it.
    required: frozenset[str] = frozenset()
    #: The thumbprint of the key that the token is bound to: whoever sends it proves with each call to hold that key.
    bound_to: str | None = None

    @property
    def issuer(self) -> str:
        """What the token opens and leaves open is bound to this: the token, and the calls and networks that it is for.

        Once it is for others, what it opened before has ended.
        """
        if not (self.networks or self.operations):
            return self.token_id
        bound = repr((self.networks, self.operations)).encode()
        return f"{self.token_id}@{blake2b(bound, digest_size=8).hexdigest()}"

    def reaches(self, account_id: str, *path: str | None) -> bool:
        """Whether the present call may be about the thing of this account at ``path``."""
        if not self._bounds(account_id, path):
            return False
        return self.grants is None or all(self.is_granted(each, path) for each in self.required or ("",))

    def sees(self, account_id: str, *path: str | None) -> bool:
        """Whether the environment, space, workbook or sheet at ``path`` is reached, or holds something that is."""
        if not self._bounds(account_id, path):
            return False
        return self.grants is None or all(self._sees(each, path) for each in self.required or ("",))

    def is_granted(self, permission: str, path: Path) -> bool:
        """Whether some grant gives ``permission`` (any, if it is empty) on what lies at ``path``."""
        return self.grants is None or any(
            grant.covers(path) for grant in self.grants if not permission or permission in grant.permissions
        )

    def at_large(self) -> Actor:
        """The caller without regard to what the present call needs: whatever it reaches now, it may know of."""
        return replace(self, required=frozenset()) if self.required else self

    def _sees(self, permission: str, path: Path) -> bool:
        return any(
            grant.covers(path) or grant.lies_in(path)
            for grant in self.grants or ()
            if not permission or permission in grant.permissions
        )

    def _bounds(self, account_id: str, path: Path) -> bool:
        if self.kind is ActorKind.SYSTEM:
            return True
        if account_id != self.account_id:
            return False
        if self.environment_id is not None and path[:1] != (self.environment_id,):
            return False
        return self.space_id is None or path[1:2] == (self.space_id,)


def system_actor(account_id: str, environment_id: str | None = None) -> Actor:
    """The server itself: schedulers, set-up and the command line on the server's own machine."""
    return Actor(ActorKind.SYSTEM, "system", account_id, "system", environment_id)
