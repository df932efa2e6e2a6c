"""Wire shapes of sheets, fields, constraints and actions, and the functions that read them."""

from sheetport.features.actions.schemas import (
    Action,
    ActionUpdate,
    ApiAction,
    ApiActionConfig,
    parse_action_config,
    parse_action_configs,
    parse_action_update,
    parse_actions,
)
from sheetport.features.sheets.model import slug_of, with_slugs
from sheetport.features.sheets.schemas.constraints import Constraint, SheetConstraint
from sheetport.features.sheets.schemas.fields import Property, parse_field, parse_fields
from sheetport.features.sheets.schemas.replies import to_shape
from sheetport.features.sheets.schemas.sheet import (
    FieldRecordCounts,
    RecordCounts,
    Sheet,
    SheetConfig,
    SheetConfigOrUpdate,
    SheetUpdateRequest,
    parse_sheet_config,
    parse_sheet_configs,
    parse_sheet_patch,
    parse_sheet_update,
)

__all__ = [
    "Action",
    "ActionUpdate",
    "ApiAction",
    "ApiActionConfig",
    "Constraint",
    "FieldRecordCounts",
    "Property",
    "RecordCounts",
    "Sheet",
    "SheetConfig",
    "SheetConfigOrUpdate",
    "SheetConstraint",
    "SheetUpdateRequest",
    "parse_action_config",
    "parse_action_configs",
    "parse_action_update",
    "parse_actions",
    "parse_field",
    "parse_fields",
    "parse_sheet_config",
    "parse_sheet_configs",
    "parse_sheet_patch",
    "parse_sheet_update",
    "slug_of",
    "to_shape",
    "with_slugs",
]
