"""What the audit log's parts hand each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sheetport.kernel.actor import Actor


class Head(NamedTuple):
    """A place in a chain: the position of a record, counted from 1, and the hash up to it. Position 0 is its start."""

    chain: str
    position: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A record as an administrator reads it. ``personal`` is what is not erased of it, by OCSF attribute."""

    id: str
    account_id: str
    environment_id: str
    actor_kind: str
    actor_id: str
    token_id: str
    action: str
    target: str | None
    detail: dict[str, Any]
    created_at: int
    request_id: str | None
    agent: str | None
    personal: dict[str, str] = field(repr=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which records; ``since`` and ``until`` are milliseconds, the latter not included."""

    actor_id: str | None = None
    action: str | None = None
    target: str | None = None
    environment_id: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed place in a chain."""

    head: Head
    account_id: str
    sealed_at: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The newest place of a chain, and up to where it has been pruned."""

    checkpoint: Checkpoint
    base_position: int
    checkpoint_position: int
    checkpoint_at: int

    @property
    def head(self) -> Head:
        return self.checkpoint.head


@dataclass(frozen=True, slots=True)
class Link:
    """A sealed record's place."""

    head: Head
    record_id: str
    digest: bytes
    source_seq: int | None
    sealed_at: int


@dataclass(frozen=True, slots=True)
class Refusals:
    """Requests that were refused with one token, from one address, in one minute.

    ``account_id`` and ``target`` are there when the token is known; ``token`` is an id, or enough of a keyed hash to
    see the same one again.
    """

    token: str
    address: str
    minute: int
    status: int
    count: int
    account_id: str = ""
    environment_id: str | None = None
    actor: Actor | None = None
    target: str | None = None


class FreshAddress(NamedTuple):
    """A caller whose credential was used from an address that this process had not seen."""

    actor: Actor
    address: str
