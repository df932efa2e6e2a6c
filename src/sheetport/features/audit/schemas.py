"""Wire shapes of the audit log."""

from __future__ import annotations

from typing import Any

from sheetport.features.audit.model import AuditFilter, AuditRecord, Checkpoint
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso, parse_iso
from sheetport.kernel.errors import Invalid


class AuditActorShape(Wire, omit_defaults=True):
    """Who acted, and by which token."""

    kind: str
    id: str
    token_id: str | None = None


class AuditRecordShape(Wire, omit_defaults=True):
    """What was done. ``personal`` is by OCSF attribute, and empty once erased."""

    id: str
    action: str
    actor: AuditActorShape
    created_at: str
    target: str | None = None
    environment_id: str | None = None
    request_id: str | None = None
    user_agent: str | None = None
    personal: dict[str, str] | None = None
    detail: dict[str, Any] | None = None


class CheckpointShape(Wire):
    """A signed place in a chain; ``hash``, ``signature`` and ``publicKey`` are hexadecimal."""

    chain: str
    position: int
    hash: str
    sealed_at: str
    signature: str
    public_key: str


def to_shape(found: AuditRecord) -> AuditRecordShape:
    return AuditRecordShape(
        id=found.id,
        action=found.action,
        actor=AuditActorShape(kind=found.actor_kind, id=found.actor_id, token_id=found.token_id or None),
        created_at=iso(found.created_at),
        target=found.target,
        environment_id=found.environment_id or None,
        request_id=found.request_id,
        user_agent=found.agent,
        personal=found.personal or None,
        detail=found.detail or None,
    )


def to_checkpoint(found: Checkpoint, public_key: bytes) -> CheckpointShape:
    return CheckpointShape(
        chain=found.head.chain,
        position=found.head.position,
        hash=found.head.hash.hex(),
        sealed_at=iso(found.sealed_at),
        signature=found.signature.hex(),
        public_key=public_key.hex(),
    )


def to_filter(
    actor: str | None,
    action: str | None,
    target: str | None,
    environment_id: str | None,
    since: str | None,
    until: str | None,
) -> AuditFilter:
    """Raises Invalid for what is no time."""
    return AuditFilter(actor, action, target, environment_id, _moment("since", since), _moment("until", until))


def _moment(name: str, text: str | None) -> int | None:
    if not text:
        return None
    try:
        return parse_iso(text)
    except (ValueError, OverflowError):
        raise Invalid(f"{name} must be an ISO 8601 time, such as 2026-11-24T12:00:00Z.", name) from None
