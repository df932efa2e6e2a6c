"""What is sealed: secrets for listeners, and the variables of an environment's programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

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

    def covers(self, other: Scope) -> bool:
        """Whether what is set here holds there too: this scope is the other one, or wider."""
        return self.space_id in {"", other.space_id} and self.actor_id in {"", other.actor_id}

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
    #: The names that the value refers to.
    refs: tuple[str, ...] = ()
    #: The sealed data key, where it was read along with the row.
    wrapped: Sealed | None = field(default=None, repr=False, compare=False)

    @property
    def context(self) -> tuple[str, ...]:
        """What the ciphertext is bound to, so that it opens in no other row."""
        scope = self.scope
        where = (scope.account_id, scope.environment_id, scope.kind, scope.space_id, scope.actor_id)
        return (*where, self.name, str(self.version))


class Label(StrEnum):
    """What a version of a secret is. One at most of a secret is pending, current or previous."""

    PENDING = "pending"
    CURRENT = "current"
    PREVIOUS = "previous"
    #: Was current once, and can be rolled back to.
    RETIRED = "retired"
    #: Was pending and never became current; its value is gone.
    DISCARDED = "discarded"
    #: Its secret was deleted, and every value with it.
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Request:
    """An Idempotency-Key and a digest of what was asked with it."""

    key: str
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a secret. ``served_until`` is when a previous one stops to be given out, None for never given."""

    secret_id: str
    scope: Scope
    name: str
    version: int
    label: Label
    sealed: Sealed = field(repr=False)
    created_by: str
    created_at: int
    current_at: int | None = None
    ended_at: int | None = None
    served_until: int | None = None
    request: Request | None = field(default=None, repr=False)
    wrapped: Sealed | None = field(default=None, repr=False, compare=False)

    @property
    def entry(self) -> Entry:
        """The secret as it is, or was, with this version."""
        return Entry(self.secret_id, self.scope, self.name, self.version, self.sealed, wrapped=self.wrapped)

    @property
    def is_wiped(self) -> bool:
        return not self.sealed.ciphertext


@dataclass(frozen=True, slots=True)
class Root:
    """What an environment's sealed rows add up to. ``intact`` is whether the row itself is as it was written."""

    environment_id: str
    sequence: int
    total: int = field(repr=False)
    mac: bytes = field(repr=False)
    intact: bool = True


@dataclass(frozen=True, slots=True)
class Node:
    """An entry as references see it."""

    id: str
    scope: Scope
    name: str
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often a secret is to be rotated, and when next; None when nobody said."""

    secret_id: str
    name: str
    days: int | None
    due_at: int | None


@dataclass(frozen=True, slots=True)
class EntryName:
    """That there is an entry, and where; not what it says."""

    kind: str
    name: str
    space_id: str | None
    actor_id: str | None
    environment_id: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class DataKey:
    """An environment's opened key. Its repr does not show it."""

    id: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A data key as it is stored."""

    environment_id: str
    id: str
    sealed: Sealed = field(repr=False)
    created_at: int


@dataclass(frozen=True, slots=True)
class Secret:
    """An opened secret. Its repr does not show the value."""

    id: str
    name: str
    environment_id: str
    space_id: str | None
    actor_id: str | None
    value: str = field(repr=False)
