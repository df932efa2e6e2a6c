"""A stored constraint of an app. The server keeps its function; listeners run it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Any

from sheetport.kernel.errors import Invalid

#: Characters of the longest function, and of the longest text beside it.
MAX_FUNCTION, MAX_TEXT = 100_000, 2_000


@dataclass(frozen=True, slots=True)
class Constraint:
    """One version of it. ``updated_at`` is when that version was made, ``options`` what a client made of them."""

    account_id: str
    id: str
    app_id: str
    validator: str
    version: int
    created_at: int
    updated_at: int
    label: str | None = None
    description: str | None = None
    function: str | None = None
    options: Any = None


@dataclass(frozen=True, slots=True)
class ConstraintChange:
    """What a request names; None stays as it is. ``validator`` and ``app_id`` are of new ones only."""

    label: str | None = None
    description: str | None = None
    function: str | None = None
    options: Any = None
    validator: str | None = None
    app_id: str | None = None

    def applied_to(self, before: Constraint) -> Constraint:
        """The constraint with what is named; the very same if that is what it was. Raises Invalid."""
        for name, most in (("label", MAX_TEXT), ("description", MAX_TEXT), ("function", MAX_FUNCTION)):
            if len(getattr(self, name) or "") > most:
                raise Invalid(f"{name} takes at most {most} characters.", name)
        named = {name: getattr(self, name) for name in ("label", "description", "function", "options")}
        return replace(before, **{name: value for name, value in named.items() if value is not None})


def validator_of(change: ConstraintChange) -> str:
    """The name by which fields know a new constraint: its ``validator``, else one made of its label. Raises Invalid."""
    if change.validator is not None:
        if not 1 <= len(change.validator.strip()) <= 255:
            raise Invalid("validator must have 1 to 255 characters.", "validator")
        return change.validator
    plain = unicodedata.normalize("NFKD", change.label or "").encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:255]
    if not made:
        raise Invalid("validator is required: it is what a field's constraint of type stored names.", "validator")
    return made
