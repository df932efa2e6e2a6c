"""The files of an export: what the API answers, with what is needed to make it anew and without what is secret."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from sheetport.features.actions.model import Action
from sheetport.features.actions.schemas import ApiAction
from sheetport.features.apps.model import App
from sheetport.features.documents import schemas as documents
from sheetport.features.documents.model import Document
from sheetport.features.environments.model import Environment
from sheetport.features.jobs import schemas as jobs
from sheetport.features.jobs.model import Job
from sheetport.features.places.model import Place
from sheetport.features.secrets.model import EntryName
from sheetport.features.sheets import schemas as sheets
from sheetport.features.sheets.model import Sheet, with_slots
from sheetport.features.spaces import schemas as spaces
from sheetport.features.spaces.model import Space
from sheetport.features.workbooks import schemas as workbooks
from sheetport.features.workbooks.model import Workbook
from sheetport.http.checking import checked
from sheetport.http.wire import Wire
from sheetport.kernel.clock import parse_iso
from sheetport.kernel.errors import Invalid
from sheetport.kernel.storable import json_path

T = TypeVar("T", bound=msgspec.Struct)


class FileEntry(Wire):
    """One file of an export: its path, its size in bytes, and the SHA-256 of its bytes in hexadecimal digits."""

    path: str
    bytes: int
    sha256: str


class NamedEnvironment(Wire):
    id: str
    name: str


class Manifest(Wire, omit_defaults=False):
    """What an export holds. ``changed_during_export``: sheets whose records are not of one instant."""

    format: int
    environment: NamedEnvironment
    counts: dict[str, int]
    changed_during_export: list[str]
    files: list[FileEntry]


class EnvironmentFile(Wire):
    id: str
    name: str
    is_prod: bool
    guest_authentication: list[str]
    features: dict[str, Any]
    metadata: dict[str, Any]
    translations_path: str | None = None
    namespaces: list[str] | None = None
    language_override: str | None = None


class AppFile(Wire):
    id: str
    name: str
    namespace: str
    type: str
    entity: str
    entity_plural: str
    icon: str | None = None
    metadata: Any = None
    environment_filters: Any = None
    blueprint: Any = None


class SpaceFile(spaces.SpaceShape, kw_only=True):
    """``inherits_authentication``: the space has no ``guest_authentication`` of its own, but the environment's."""

    external_actor_id: str | None = None
    inherits_authentication: bool | None = None


class EntryFile(Wire):
    """``kind`` is secret or variable; the value is not exported."""

    kind: str
    name: str
    space_id: str | None = None
    actor_id: str | None = None


_SPACE_TIMES = ("created_at", "updated_at", "archived_at", "expired_at", "upgraded_at", "last_activity_at")
_JOB_TIMES = (
    *("created_at", "updated_at", "started_at", "finished_at"),
    *("estimated_completion_at", "outcome_acknowledged_at"),
)
#: What an action's file has beside its configuration.
_ABOUT_ACTION = {"id", "targetId", "createdAt", "updatedAt"}
_NOT_IN_SPACE = {"access_token", "guest_link", "inherits_authentication", *_SPACE_TIMES}


def environment_file(environment: Environment) -> EnvironmentFile:
    return msgspec.convert(environment, EnvironmentFile, from_attributes=True)


def app_file(app: App) -> AppFile:
    return msgspec.convert(app, AppFile, from_attributes=True)


def entry_file(name: EntryName) -> EntryFile:
    return msgspec.convert(name, EntryFile, from_attributes=True)


def space_file(space: Space) -> SpaceFile:
    shape = spaces.to_shape(space, "")
    values = {name: getattr(shape, name) for name in shape.__struct_fields__ if name not in _NOT_IN_SPACE}
    times = {name: getattr(shape, name) for name in _SPACE_TIMES}
    inherits = True if space.guest_authentication is None else None
    return SpaceFile(**values | times, external_actor_id=space.external_actor_id, inherits_authentication=inherits)


def parse_file(kind: type[T], value: Any, at: str = "") -> T:
    """``value``, decoded JSON, as a ``kind``. Raises Invalid keyed by the path at fault."""
    return msgspec.convert(checked(kind, value, at), kind)


def parse_environment(value: Any, environment_id: str, account_id: str) -> Environment:
    """Raises Invalid."""
    file = parse_file(EnvironmentFile, value)
    members = msgspec.structs.asdict(file) | {"id": environment_id, "account_id": account_id}
    return Environment(**members, created_at=0, updated_at=0)


def parse_app(value: Any, account_id: str, now: int, at: str) -> App:
    """Raises Invalid."""
    members = msgspec.structs.asdict(parse_file(AppFile, value, at))
    return App(**members, account_id=account_id, created_at=now, updated_at=now)


def parse_space(value: Any, environment_id: str, account_id: str) -> Space:
    """Raises Invalid. ``workbooks_count`` is as it is said."""
    file = parse_file(SpaceFile, value)
    spaces.parse_space(value)  # what the API would refuse in a new space is refused here
    if not 1 <= len(file.name.strip()) <= 255:
        raise Invalid("name must have 1 to 255 characters.", "name")
    members = {name: getattr(file, name) for name in file.__struct_fields__ if name not in _NOT_IN_SPACE}
    times = {name: _moment(file, name) for name in _SPACE_TIMES}
    own: dict[str, Any] = {"environment_id": environment_id, "account_id": account_id}
    if file.inherits_authentication:
        own["guest_authentication"] = None
    return Space(**members | times | own)


def parse_workbook(value: Any, environment_id: str, account_id: str) -> tuple[Workbook, list[Sheet]]:
    """A workbook and its sheets, their numbers still to be given. Raises Invalid."""
    file = parse_file(workbooks.WorkbookShape, value)
    shapes = file.sheets or []
    named = {**value, "name": file.name or "-", "sheets": [shape.config for shape in shapes]}
    workbooks.parse_new_workbook(named)
    members = {name: getattr(file, name) for name in file.__struct_fields__ if name not in {"sheets"}}
    times = {name: _moment(file, name) for name in ("created_at", "updated_at")}
    workbook = Workbook(**members | times | {"environment_id": environment_id, "account_id": account_id})
    made = [_sheet(shape, workbook, ordinal) for ordinal, shape in enumerate(shapes)]
    return workbook, made


def _sheet(shape: sheets.Sheet, workbook: Workbook, ordinal: int) -> Sheet:
    at = json_path("sheets", ordinal)
    if "slug" not in shape.config:
        raise Invalid(f"{at}.config.slug is required.", f"{at}.config.slug")
    slots, next_slot = with_slots({}, 0, shape.config["fields"])
    return Sheet(
        environment_id=workbook.environment_id,
        id=shape.id,
        account_id=workbook.account_id,
        space_id=workbook.space_id,
        workbook_id=workbook.id,
        sheet_no=0,
        ordinal=ordinal,
        name=shape.config["name"],
        slug=shape.config["slug"],
        config=shape.config,
        created_at=_moment(shape, "created_at", at) or 0,
        updated_at=_moment(shape, "updated_at", at) or 0,
        slots=slots,
        next_slot=next_slot,
        namespace=shape.namespace,
        metadata=shape.config.get("metadata"),
        locked_by=shape.locked_by,
        locked_at=_moment(shape, "locked_at", at),
    )


def parse_document(value: Any, environment_id: str, account_id: str, at: str) -> Document:
    """Raises Invalid."""
    file = parse_file(documents.DocumentShape, value, at)
    documents.parse_document(value, at)
    members = {name: getattr(file, name) for name in file.__struct_fields__}
    times = {name: _moment(file, name, at) for name in ("created_at", "updated_at")}
    return Document(**members | times | {"environment_id": environment_id, "account_id": account_id})


def parse_action(value: Any, target: Place, ordinal: int, at: str) -> Action:
    """An action of ``target``. Raises Invalid."""
    file = parse_file(ApiAction, value, at)
    return Action(
        environment_id=target.environment_id,
        id=file.id,
        account_id=target.account_id,
        space_id=target.space_id or "",
        target_id=target.id,
        ordinal=ordinal,
        config={name: member for name, member in value.items() if name not in _ABOUT_ACTION},
        created_at=parse_iso(value["createdAt"]),
        updated_at=parse_iso(value["updatedAt"]),
        workbook_id=target.workbook_id,
        sheet_id=target.sheet_id,
    )


def parse_job(value: Any, environment_id: str, account_id: str) -> Job:
    """Raises Invalid. Where the job lies (its workbook and sheet) is still to be said."""
    shape = parse_file(jobs.JobShape, value)
    members = {name: getattr(shape, name) for name in shape.__struct_fields__ if name not in _JOB_TIMES}
    times = {name: _moment(shape, name) for name in _JOB_TIMES}
    return Job(**members | times | {"environment_id": environment_id, "account_id": account_id})


def _moment(shape: msgspec.Struct, name: str, at: str = "") -> int | None:
    text = getattr(shape, name)
    try:
        return None if text is None else parse_iso(text)
    except (ValueError, OverflowError):
        key = next(field.encode_name for field in msgspec.structs.fields(shape) if field.name == name)
        path = json_path(at, key)
        raise Invalid(f"{path}: give a time as ISO 8601, such as 2027-01-15T08:00:00Z.", path) from None
