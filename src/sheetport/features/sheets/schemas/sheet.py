"""Sheets on the wire, and the reading of sheet configurations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

from sheetport.features.actions.schemas import Action, check_placement
from sheetport.features.sheets.model import with_slugs
from sheetport.features.sheets.schemas.constraints import SheetConstraint
from sheetport.features.sheets.schemas.fields import NonEmpty, Property, check_fields, with_all_defaults
from sheetport.http.checking import checked
from sheetport.http.wire import Wire
from sheetport.kernel.errors import Invalid
from sheetport.kernel.storable import json_path

SheetAccess = Literal["*", "add", "edit", "delete", "import"]
SheetTreatment = Literal["CLIPPED_FROM_SHEET", "ENUM_REFERENCE"]
Confidence = Annotated[float, Meta(gt=0, le=1)]


class SheetConfigUpdate(Wire):
    """The members of a sheet's configuration, each optional: what is absent stays."""

    name: NonEmpty | None = None
    description: str | None = None
    slug: NonEmpty | None = None
    readonly: bool | None = None
    allow_additional_fields: bool | None = None
    mapping_confidence_threshold: Confidence | None = None
    access: list[SheetAccess] | None = None
    fields: list[Property] | None = None
    actions: list[Action] | None = None
    metadata: Any = None
    constraints: list[SheetConstraint] | None = None
    treatments: list[SheetTreatment] | None = None
    collection: str | None = None


class SheetConfig(Wire):
    """A sheet as clients configure it. ``access`` absent means ``["*"]``, empty means read-only."""

    name: NonEmpty
    fields: list[Property]
    description: str | None = None
    slug: NonEmpty | None = None
    readonly: bool | None = None
    allow_additional_fields: bool | None = None
    mapping_confidence_threshold: Confidence | None = None
    access: list[SheetAccess] | None = None
    actions: list[Action] | None = None
    metadata: Any = None
    constraints: list[SheetConstraint] | None = None
    treatments: list[SheetTreatment] | None = None
    collection: str | None = None


class SheetConfigOrUpdate(SheetConfigUpdate):
    """One sheet of a workbook's update: flat members, or ``config`` with a whole configuration."""

    id: str | None = None
    workbook_id: str | None = None
    config: SheetConfig | None = None
    namespace: str | None = None
    updated_at: datetime | None = None
    created_at: datetime | None = None


class SheetUpdateRequest(Wire):
    """The body of PATCH on a sheet."""

    name: NonEmpty | None = None
    slug: NonEmpty | None = None
    metadata: Any = None


class FieldRecordCounts(Wire):
    """Cells of one field: all, valid, with an error, empty."""

    total: int
    valid: int
    error: int
    empty: int


class RecordCounts(Wire):
    """Records of a sheet: all, valid, with an error."""

    total: int
    valid: int
    error: int
    errors_by_field: dict[str, int] | None = None
    by_field: dict[str, FieldRecordCounts] | None = None


class Sheet(Wire):
    """A sheet as it is returned; ``config`` is the stored configuration (:class:`SheetConfig`) as sent."""

    id: str
    workbook_id: str
    name: str
    slug: str
    config: dict[str, Any]
    updated_at: str
    created_at: str
    metadata: Any = None
    namespace: str | None = None
    locked_by: str | None = None
    locked_at: str | None = None
    record_counts: RecordCounts | None = None
    created_from: str | None = None
    last_propagated_at: str | None = None
    treatments: list[SheetTreatment] | None = None
    collection: str | None = None


def parse_sheet_config(value: Any, at: str = "") -> dict[str, Any]:
    """One SheetConfig as it is to be stored and returned: as sent, nulls dropped, field defaults filled.

    Members unknown here are kept unchecked. Raises Invalid keyed by the path below ``at``
    (``sheets[0].fields[2].type``).
    """
    config: dict[str, Any] = checked(SheetConfig, _with_field_defaults(value), at)
    check_fields(config["fields"], json_path(at, "fields"))
    check_placement(config.get("actions", []), "sheet", json_path(at, "actions"))
    return config


def parse_sheet_configs(value: Any, at: str = "sheets", taken: Iterable[str] = ()) -> list[dict[str, Any]]:
    """The sheets of a new workbook, each with a slug that is unique among them and ``taken``. Raises Invalid."""
    if not isinstance(value, list):
        raise Invalid(f"{at}: expected an array of sheets.", at)
    return with_slugs([parse_sheet_config(sheet, json_path(at, index)) for index, sheet in enumerate(value)], at, taken)


def parse_sheet_update(value: Any, at: str = "") -> dict[str, Any]:
    """One SheetConfigOrUpdate of a workbook's update, nulls dropped. Raises Invalid."""
    if isinstance(value, dict) and value.get("config") is not None:
        value = {**value, "config": _with_field_defaults(value["config"])}
    update: dict[str, Any] = checked(SheetConfigOrUpdate, _with_field_defaults(value), at)
    check_fields(update.get("fields", []), json_path(at, "fields"))
    check_placement(update.get("actions", []), "sheet", json_path(at, "actions"))
    if "config" in update:
        inside = json_path(at, "config")
        check_fields(update["config"]["fields"], json_path(inside, "fields"))
        check_placement(update["config"].get("actions", []), "sheet", json_path(inside, "actions"))
    return update


def parse_sheet_patch(value: Any, at: str = "") -> dict[str, Any]:
    """The body of PATCH on a sheet (name, slug, metadata), nulls dropped. Raises Invalid."""
    patch: dict[str, Any] = checked(SheetUpdateRequest, value, at)
    return patch


def _with_field_defaults(sheet: Any) -> Any:
    if isinstance(sheet, dict) and "fields" in sheet:
        return {**sheet, "fields": with_all_defaults(sheet["fields"])}
    return sheet
