"""Wire shapes of stored constraints."""

from __future__ import annotations

from typing import Any

from sheetport.features.constraints.model import Constraint, ConstraintChange
from sheetport.http.checking import members
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso


class ConstraintUpdate(Wire):
    """Changes to a constraint; what is absent stays. ``options`` come back as sent."""

    description: str | None = None
    function: str | None = None
    options: Any = None
    label: str | None = None


class ConstraintCreate(ConstraintUpdate):
    """A new constraint. ``validator``, by default made of the label, is what fields name."""

    validator: str | None = None
    app_id: str | None = None


class ConstraintShape(Wire, kw_only=True):
    """A constraint in its newest version."""

    id: str
    app_id: str
    validator: str
    created_at: str
    updated_at: str
    description: str | None = None
    function: str | None = None
    options: Any = None
    label: str | None = None


class ConstraintVersionShape(ConstraintShape, kw_only=True):
    """One version of a constraint."""

    version: int


def parse_constraint(kind: type[ConstraintUpdate], body: Any) -> ConstraintChange:
    """What a request's body names. Raises Invalid."""
    return ConstraintChange(**members(kind, body))


def parse_version(text: str) -> int:
    """The number in an address; 0, which no version has, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def to_shape(constraint: Constraint) -> ConstraintShape:
    return ConstraintShape(**_members(constraint))


def to_version_shape(constraint: Constraint) -> ConstraintVersionShape:
    return ConstraintVersionShape(**_members(constraint), version=constraint.version)


def _members(constraint: Constraint) -> dict[str, Any]:
    same = ("id", "app_id", "validator", "description", "function", "options", "label")
    told: dict[str, Any] = {name: getattr(constraint, name) for name in same}
    return told | {"created_at": iso(constraint.created_at), "updated_at": iso(constraint.updated_at)}
