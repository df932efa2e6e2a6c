"""Fields of a sheet: one struct per ``type``, and the reading of field configurations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from msgspec import Meta

from sheetport.features.actions.schemas import Action
from sheetport.features.sheets.schemas.constraints import Constraint
from sheetport.http.checking import checked
from sheetport.http.wire import Wire
from sheetport.kernel.errors import Invalid
from sheetport.kernel.storable import json_path

MAX_CONSTRAINTS = 10

NonEmpty = Annotated[str, Meta(min_length=1)]


class FieldAppearance(Wire):
    """Column width."""

    size: Literal["xs", "s", "m", "l", "xl"] | None = None


class BaseProperty(Wire):
    """What every field has. ``key`` is unique in its sheet whatever the case of letters."""

    key: NonEmpty
    label: str | None = None
    description: str | None = None
    constraints: list[Constraint] | None = None
    readonly: bool | None = None
    appearance: FieldAppearance | None = None
    actions: list[Action] | None = None
    metadata: Any = None
    treatments: list[str] | None = None
    alternative_names: list[str] | None = None


class StringConfig(Wire):
    """``size``: tiny is 255 characters, normal (default) 64 KB, medium 16 MB, long 4 GB."""

    size: Literal["tiny", "normal", "medium", "long"]


class StringProperty(BaseProperty, tag_field="type", tag="string"):
    """Text; the type of a field that names none."""

    config: StringConfig | None = None


class StringListProperty(BaseProperty, tag_field="type", tag="string-list"):
    """A list of texts."""


class NumberConfig(Wire):
    """``decimalPlaces`` rounds with a warning."""

    decimal_places: int | None = None


class NumberProperty(BaseProperty, tag_field="type", tag="number"):
    """A number."""

    config: NumberConfig | None = None
    is_array: bool | None = None


class BooleanPropertyConfig(Wire):
    """``allowIndeterminate`` (default false) lets null be a value."""

    allow_indeterminate: bool


class BooleanProperty(BaseProperty, tag_field="type", tag="boolean"):
    """True or false."""

    config: BooleanPropertyConfig | None = None


class DateProperty(BaseProperty, tag_field="type", tag="date"):
    """A day, ``YYYY-MM-DD``."""


class EnumPropertyOption(Wire):
    """One choice; ``label`` is the value when absent."""

    value: str | int | float | bool
    label: str | None = None
    description: str | None = None
    color: str | None = None
    icon: str | None = None
    meta: dict[str, Any] | None = None
    alternative_names: list[str] | None = None
    ordinal: int | None = None


class EnumPropertyConfig(Wire):
    """The choices, and whether values beside them are kept (``allowCustom``, default false)."""

    options: list[EnumPropertyOption]
    allow_custom: bool | None = None
    sort_by: Literal["label", "value", "ordinal"] | None = None


class EnumProperty(BaseProperty, tag_field="type", tag="enum", kw_only=True):
    """One of a set of values."""

    config: EnumPropertyConfig
    is_array: bool | None = None
    multi: bool | None = None


class EnumListProperty(BaseProperty, tag_field="type", tag="enum-list", kw_only=True):
    """Several of a set of values."""

    config: EnumPropertyConfig


class ReferenceFilter(Wire):
    """Only records whose ``refField`` equals this record's ``recordField`` may be referenced."""

    ref_field: str
    record_field: str


class ReferenceListPropertyConfig(Wire):
    """``ref`` is a sheet's slug in the same workbook, ``key`` (default ``id``) the field looked up there."""

    ref: NonEmpty
    key: str
    filter: ReferenceFilter | None = None


class ReferencePropertyConfig(ReferenceListPropertyConfig):
    """A reference to one record, or to many."""

    relationship: Literal["has-one", "has-many"] | None = None


class ReferenceProperty(BaseProperty, tag_field="type", tag="reference", kw_only=True):
    """A look-up in another sheet."""

    config: ReferencePropertyConfig
    is_array: bool | None = None


class ReferenceListProperty(BaseProperty, tag_field="type", tag="reference-list", kw_only=True):
    """Look-ups in another sheet."""

    config: ReferenceListPropertyConfig
    is_array: bool | None = None


Property = (
    StringProperty
    | NumberProperty
    | BooleanProperty
    | DateProperty
    | EnumProperty
    | ReferenceProperty
    | ReferenceListProperty
    | StringListProperty
    | EnumListProperty
)


def parse_fields(value: Any, at: str = "fields") -> list[dict[str, Any]]:
    """The field configurations of a sheet, as they are to be stored and returned.

    Nulls of optional members are dropped and defaults filled as :func:`with_defaults` says; all else,
    members unknown here included, is as sent. Raises Invalid keyed by the path (``fields[2].type``).
    """
    fields: list[dict[str, Any]] = checked(list[Property], with_all_defaults(value), at)
    check_fields(fields, at)
    return fields


def parse_field(value: Any, at: str = "", taken: Iterable[str] = ()) -> dict[str, Any]:
    """One field to add to a sheet whose present keys are ``taken``. Raises Invalid."""
    field: dict[str, Any] = checked(Property, with_defaults(value), at)
    _check_constraints(field, at)
    _check_key(field, {key.casefold(): key for key in taken}, at)
    return field


def check_fields(fields: list[dict[str, Any]], at: str) -> None:
    """Keys unique whatever their case, constraints within their limits. Raises Invalid."""
    seen: dict[str, str] = {}
    for index, field in enumerate(fields):
        path = json_path(at, index)
        _check_key(field, seen, path)
        seen[field["key"].casefold()] = field["key"]
        _check_constraints(field, path)


def with_all_defaults(fields: Any) -> Any:
    """:func:`with_defaults` of each item; whatever is not a list is left for the check to refuse."""
    return [with_defaults(field) for field in fields] if isinstance(fields, list) else fields


def with_defaults(field: Any) -> Any:
    """``field`` with the documented defaults of members that readers rely on, and no others.

    ``type`` string; ``options`` [] of an enum; ``key`` id of a reference; in a config that was sent, ``size``
    normal of a string and ``allowIndeterminate`` false of a boolean.
    """
    if not isinstance(field, dict):
        return field
    kind = "string" if field.get("type") is None else field["type"]
    made = {**field, "type": kind}
    config = made.get("config")
    if kind in ("enum", "enum-list") and config is None:
        config = {}
    if isinstance(kind, str) and isinstance(config, dict) and kind in _CONFIG_DEFAULTS:
        name, default = _CONFIG_DEFAULTS[kind]
        made["config"] = config if config.get(name) is not None else {**config, name: default}
    return made


_CONFIG_DEFAULTS: dict[str, tuple[str, Any]] = {
    "string": ("size", "normal"),
    "boolean": ("allowIndeterminate", False),
    "enum": ("options", []),
    "enum-list": ("options", []),
    "reference": ("key", "id"),
    "reference-list": ("key", "id"),
}


def _check_key(field: dict[str, Any], seen: dict[str, str], at: str) -> None:
    other = seen.get(field["key"].casefold())
    if other is not None:
        key = json_path(at, "key")
        raise Invalid(
            f"{key}: the sheet already has a field {other!r}; keys must differ by more than the case of letters.", key
        )


def _check_constraints(field: dict[str, Any], at: str) -> None:
    constraints = field.get("constraints", ())
    path = json_path(at, "constraints")
    if len(constraints) > MAX_CONSTRAINTS:
        raise Invalid(f"{path}: a field takes at most {MAX_CONSTRAINTS} constraints, not {len(constraints)}.", path)
    validators: set[str] = set()
    for index, constraint in enumerate(constraints):
        validator = constraint.get("validator") if constraint["type"] in ("external", "stored") else None
        if validator is not None and validator in validators:
            key = json_path(json_path(path, index), "validator")
            raise Invalid(f"{key}: {validator!r} is named twice; name each validator once a field.", key)
        if validator is not None:
            validators.add(validator)
