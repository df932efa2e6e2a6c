"""Wire shapes of workbooks."""

from __future__ import annotations

from typing import Any, Literal

from sheetport.features.actions.schemas import Action, check_placement
from sheetport.features.sheets import schemas as sheets
from sheetport.features.workbooks.model import Workbook, WorkbookChange
from sheetport.http.checking import members
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso
from sheetport.kernel.errors import Invalid
from sheetport.kernel.storable import json_path

Treatment = Literal["EXTRACTED_FROM_SOURCE", "SMALL_DATA"]


class WorkbookConfigSettings(Wire):
    track_changes: bool | None = None
    no_mapping_redirect: bool | None = None
    sheet_sidebar_order: list[str] | None = None
    auto_run_analysis: bool | None = None


class WorkbookUpdate(Wire):
    """The body of an update; of a create too, where ``name`` is required and ``sheets`` are whole."""

    name: str | None = None
    labels: list[str] | None = None
    space_id: str | None = None
    environment_id: str | None = None
    namespace: str | None = None
    sheets: list[Any] | None = None
    actions: list[Action] | None = None
    settings: WorkbookConfigSettings | None = None
    metadata: Any = None
    treatments: list[Treatment] | None = None
    folder: str | None = None


class WorkbookShape(Wire):
    """A workbook as it is returned; ``settings`` and ``actions`` are as sent."""

    id: str
    space_id: str
    environment_id: str
    created_at: str
    updated_at: str
    name: str | None = None
    sheets: list[sheets.Sheet] | None = None
    labels: list[str] | None = None
    actions: list[dict[str, Any]] | None = None
    settings: dict[str, Any] | None = None
    metadata: Any = None
    treatments: list[str] | None = None
    namespace: str | None = None
    folder: str | None = None


def parse_new_workbook(body: Any, at: str = "") -> WorkbookChange:
    """The body of a create; ``at`` is its path in the request. Raises Invalid."""
    named = members(WorkbookUpdate, body, at)
    if "name" not in named:
        key = json_path(at, "name")
        raise Invalid(f"{key} is required.", key)
    check_placement(named.get("actions", []), "workbook", json_path(at, "actions"))
    path = json_path(at, "sheets")
    return WorkbookChange(**named | {"sheets": sheets.parse_sheet_configs(named.get("sheets", []), path)})


def parse_workbook_update(body: Any) -> WorkbookChange:
    """The body of an update. Raises Invalid."""
    named = members(WorkbookUpdate, body)
    check_placement(named.get("actions", []), "workbook", "actions")
    updates = [
        sheets.parse_sheet_update(sheet, json_path("sheets", index))
        for index, sheet in enumerate(named.get("sheets", []))
    ]
    return WorkbookChange(**named | {"sheets": updates})


def to_shape(workbook: Workbook) -> WorkbookShape:
    theirs = workbook.sheets
    return WorkbookShape(
        id=workbook.id,
        space_id=workbook.space_id,
        environment_id=workbook.environment_id,
        created_at=iso(workbook.created_at),
        updated_at=iso(workbook.updated_at),
        name=workbook.name,
        sheets=None if theirs is None else [sheets.to_shape(sheet) for sheet in theirs],
        labels=workbook.labels or [],
        actions=workbook.actions or [],
        settings=workbook.settings or {},
        metadata=workbook.metadata,
        treatments=workbook.treatments,
        namespace=workbook.namespace,
        folder=workbook.folder,
    )
