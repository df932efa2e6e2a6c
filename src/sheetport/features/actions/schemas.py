"""Wire shapes of actions: the buttons of a space, workbook, sheet, field, document or file."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, cast

from sheetport.features.actions import model
from sheetport.http.checking import checked
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso
from sheetport.kernel.errors import Invalid
from sheetport.kernel.storable import json_path


class ActionMessage(Wire):
    """A note beside the button; one of type error disables it."""

    type: Literal["error", "info"]
    content: str


class InputEnumPropertyOption(Wire):
    """One choice of an enum input."""

    value: str | int | float | bool
    label: str | None = None
    description: str | None = None
    color: str | None = None
    icon: str | None = None
    meta: dict[str, Any] | None = None


class InputConfig(Wire):
    """The choices of an enum input."""

    options: list[InputEnumPropertyOption]


class InputConstraint(Wire):
    """What an input must satisfy."""

    type: Literal["required"]


class InputField(Wire):
    """One question of the form shown before the job is made; its answer is ``job.input[key]``."""

    key: str
    label: str
    type: str
    description: str | None = None
    default_value: Any = None
    config: InputConfig | None = None
    constraints: list[InputConstraint] | None = None


class InputForm(Wire):
    """The form shown before the job is made."""

    type: Literal["simple"]
    fields: list[InputField]


class HasAllValid(Wire, tag_field="type", tag="hasAllValid"):
    """Every record (of the selection, unless ignored) is valid."""

    ignore_selection: bool | None = None


class HasSelection(Wire, tag_field="type", tag="hasSelection"):
    """Records are selected."""


class HasData(Wire, tag_field="type", tag="hasData"):
    """There is a record."""


class HasColumnEnabled(Wire, tag_field="type", tag="hasColumnEnabled"):
    """The column may be edited."""


ActionConstraint = HasAllValid | HasSelection | HasData | HasColumnEnabled


class MountSheet(Wire, tag_field="type", tag="sheet"):
    """Shown on sheets, or only those of ``slugs``."""

    slugs: list[str] | None = None


class MountWorkbook(Wire, tag_field="type", tag="workbook"):
    """Shown on workbooks, or only those of ``slugs``."""

    slugs: list[str] | None = None


class MountField(Wire, tag_field="type", tag="field"):
    """Shown on columns, or only those of ``keys``."""

    keys: list[str] | None = None


class MountDocument(Wire, tag_field="type", tag="document"):
    """Shown on documents."""


class MountFile(Wire, tag_field="type", tag="file"):
    """Shown on files."""


ActionMount = MountSheet | MountWorkbook | MountField | MountDocument | MountFile


class Guide(Wire):
    """Help text, Markdown."""

    content: str


class Guardrail(Wire):
    """Warning shown before the action runs, Markdown."""

    content: str


class ActionWithoutLabel(Wire):
    """Everything of an action but its label."""

    slug: str | None = None
    operation: str | None = None
    mode: Literal["foreground", "background", "toolbarBlocking"] | None = None
    tooltip: str | None = None
    messages: list[ActionMessage] | None = None
    type: str | None = None
    description: str | None = None
    schedule: Literal["weekly", "daily", "hourly"] | None = None
    primary: bool | None = None
    confirm: bool | None = None
    icon: str | None = None
    require_all_valid: bool | None = None
    require_selection: bool | None = None
    input_form: InputForm | None = None
    constraints: list[ActionConstraint] | None = None
    mount: ActionMount | None = None
    guide: Guide | None = None
    guardrail: Guardrail | None = None
    created_from: str | None = None
    last_propagated_at: datetime | None = None
    deleted_at: datetime | None = None
    invalid_conditional_messaging: bool | None = None
    valid_records_message: str | None = None
    invalid_records_message: str | None = None


class Action(ActionWithoutLabel, kw_only=True):
    """An action as part of a workbook's, sheet's or field's configuration."""

    label: str


class ActionUpdate(ActionWithoutLabel):
    """Changes to an action; what is absent stays."""

    label: str | None = None


class ApiActionConfig(Action, kw_only=True):
    """An action to create on the thing ``targetId``."""

    target_id: str


class ApiAction(Action, kw_only=True):
    """An action with its id and that of what it is on."""

    id: str
    target_id: str
    updated_at: datetime
    created_at: datetime


class ActionReply(ApiAction, kw_only=True):
    """One action, twice: JavaScript's client reads ``data``, Python's the members beside it."""

    data: ApiAction


def parse_actions(value: Any, at: str = "actions") -> list[dict[str, Any]]:
    """A list of Action, proved, without nulls. Raises Invalid keyed ``actions[1].mode``."""
    actions: list[dict[str, Any]] = checked(list[Action], value, at)
    return actions


def parse_action_config(value: Any, at: str = "") -> dict[str, Any]:
    """One ApiActionConfig. Raises Invalid."""
    action: dict[str, Any] = checked(ApiActionConfig, value, at)
    return action


def parse_action_configs(value: Any, at: str = "") -> list[dict[str, Any]]:
    """The body of a bulk create: an array of ApiActionConfig. Raises Invalid keyed ``[1].label``."""
    if not isinstance(value, list):
        raise Invalid("Send an array of actions.", at or "general")
    return [parse_action_config(action, json_path(at, index)) for index, action in enumerate(value)]


def parse_action_update(value: Any, at: str = "") -> dict[str, Any]:
    """One ActionUpdate: only the members to change. Raises Invalid."""
    changes: dict[str, Any] = checked(ActionUpdate, value, at)
    return changes


def check_placement(actions: list[dict[str, Any]], owner: str, at: str) -> None:
    """Refuse proved actions of a new ``owner`` with constraints that cannot hold there, as the model says."""
    model.refuse_misplaced(actions, owner, at)


def to_shape(action: model.Action) -> ApiAction:
    """The action as clients get it: as it was sent, members no struct knows included, hence not a struct."""
    told = {
        **action.config,
        "id": action.id,
        "targetId": action.target_id,
        "createdAt": iso(action.created_at),
        "updatedAt": iso(action.updated_at),
    }
    return cast("ApiAction", told)


def to_reply(action: model.Action) -> ActionReply:
    """The reply of a route that answers with one action."""
    told: Any = to_shape(action)
    return cast("ActionReply", {**told, "data": told})
