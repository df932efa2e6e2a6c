"""What is sealed: secrets for listeners, and the variables of an environment's programs."""

from __future__ import annotations

from dataclasses import dataclass, field

from sheetport.kernel.crypto import Sealed

SECRET = "secret"  # noqa: S105 - a kind of entry
VARIABLE = "variable"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an entry holds. ``space_id`` and ``actor_id`` are the empty text where it holds for all of them."""

    account_id: str
    environment_id: str
    kind: str = SECRET
    space_id: str = ""
    actor_id: str = ""

    @property
    def rank(self) -> int:
        """Which of two entries of one name wins, the higher one: environment, space, actor, both."""
        return (2 if self.actor_id else 0) + (1 if self.space_id else 0)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row: a name and its sealed value. ``version`` counts from 1 and is part of what seals it."""

    id: str
    scope: Scope
    name: str
    version: int
    sealed: Sealed = field(repr=False)

    @property
    def context(self) -> tuple[str, ...]:
        """What the ciphertext is bound to, so that it opens in no other row."""
        scope = self.scope
        where = (scope.account_id, scope.environment_id, scope.kind, scope.space_id, scope.actor_id)
        return (*where, self.name, str(self.version))


@dataclass(frozen=True, slots=True)
class EntryName:
    """That there is an entry, and where; not what it says."""

    kind: str
    name: str
    space_id: str | None
    actor_id: str | None


@dataclass(frozen=True, slots=True)
class DataKey:
    """An environment's opened key. Its repr does not show it."""

    id: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Secret:
    """An opened secret. Its repr does not show the value."""

    id: str
    name: str
    environment_id: str
    space_id: str | None
    actor_id: str | None
    value: str = field(repr=False)
