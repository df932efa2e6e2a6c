"""From the sheets inside to the sheets of replies."""

from __future__ import annotations

from sheetport.features.sheets import model
from sheetport.features.sheets.schemas.sheet import RecordCounts, Sheet
from sheetport.kernel.clock import iso, iso_or_none


def to_shape(sheet: model.Sheet) -> Sheet:
    """The sheet as clients get it, with its records counted."""
    return Sheet(
        id=sheet.id,
        workbook_id=sheet.workbook_id,
        name=sheet.name,
        slug=sheet.slug,
        config=sheet.config,
        updated_at=iso(sheet.updated_at),
        created_at=iso(sheet.created_at),
        metadata=sheet.metadata,
        namespace=sheet.namespace,
        locked_by=sheet.locked_by,
        locked_at=iso_or_none(sheet.locked_at),
        record_counts=RecordCounts(total=sheet.total, valid=sheet.total - sheet.invalid, error=sheet.invalid),
        treatments=sheet.config.get("treatments"),
        collection=sheet.config.get("collection"),
    )
