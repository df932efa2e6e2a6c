"""Constraints of a field and of a sheet."""

from __future__ import annotations

from typing import Any, Literal

from sheetport.http.wire import Wire

Level = Literal["error", "warn", "info"]


class RequiredConstraintConfig(Wire):
    """``level`` is error when absent."""

    message: str | None = None
    level: Level | None = None


class RequiredConstraint(Wire, tag_field="type", tag="required"):
    """The value must not be null."""

    config: RequiredConstraintConfig | None = None


class UniqueConstraintConfig(Wire):
    """Nulls are never compared; ``ignoreEmpty`` leaves out empty text too."""

    case_sensitive: bool | None = None
    ignore_empty: bool | None = None
    message: str | None = None
    level: Level | None = None


class UniqueConstraint(Wire, tag_field="type", tag="unique"):
    """No two records hold the same value."""

    config: UniqueConstraintConfig | None = None


class ComputedConstraint(Wire, tag_field="type", tag="computed"):
    """The field is filled by code and hidden from mapping."""


class ExternalConstraint(Wire, tag_field="type", tag="external"):
    """Checked by a listener that registered ``validator``."""

    validator: str
    description: str | None = None
    label: str | None = None
    config: Any = None


class StoredConstraint(Wire, tag_field="type", tag="stored"):
    """Checked by the function ``validator`` stored on the app; ``version`` is 1 when absent."""

    validator: str
    version: int | None = None
    description: str | None = None
    label: str | None = None
    config: Any = None


Constraint = RequiredConstraint | UniqueConstraint | ComputedConstraint | ExternalConstraint | StoredConstraint


class CompositeUniqueConstraintConfig(Wire):
    """``level`` is error when absent."""

    message: str | None = None
    level: Level | None = None


class CompositeUniqueConstraint(Wire, tag_field="type", tag="unique"):
    """The values of ``fields`` together are unique; not compared while a required field is empty."""

    name: str
    fields: list[str]
    strategy: Literal["hash", "concat"]
    required_fields: list[str] | None = None
    config: CompositeUniqueConstraintConfig | None = None


class ExternalSheetConstraint(Wire, tag_field="type", tag="external"):
    """Checked by a listener that registered ``validator`` for the whole sheet or ``fields``."""

    validator: str
    fields: list[str] | None = None
    config: Any = None


SheetConstraint = CompositeUniqueConstraint | ExternalSheetConstraint
