"""Wire shapes of jobs."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from sheetport.features.jobs.model import MAX_PARTS, Job, JobChange, JobDraft, Status
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso, iso_or_none, parse_iso
from sheetport.kernel.errors import Invalid

JobType = Literal["file", "workbook", "sheet", "space", "document", "app", "agent", "autobuild", "onboarding"]
JobMode = Literal["foreground", "background", "toolbarBlocking", "hidden"]


class JobConfig(Wire):
    """A new job. ``config``, ``input``, ``subject``, ``outcome``, ``result`` and ``metadata`` come back as sent."""

    type: JobType
    operation: str
    source: str
    environment_id: str | None = None
    status: Status | None = None
    trigger: Literal["manual", "immediate"] | None = None
    managed: bool | None = None
    file_id: str | None = None
    destination: str | None = None
    mode: JobMode | None = None
    progress: int | None = None
    info: str | None = None
    part: int | None = None
    part_data: dict[str, Any] | None = None
    part_execution: Literal["sequential", "parallel"] | None = None
    parent_id: str | None = None
    predecessor_ids: list[str] | None = None
    config: Any = None
    input: dict[str, Any] | None = None
    subject: dict[str, Any] | None = None
    outcome: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None


class JobUpdate(Wire):
    status: Status | None = None
    progress: int | None = None
    info: str | None = None
    config: Any = None
    metadata: dict[str, Any] | None = None
    outcome_acknowledged_at: str | None = None


class JobAckDetails(Wire):
    info: str | None = None
    progress: int | None = None
    estimated_completion_at: str | None = None


class JobCompleteDetails(Wire):
    """``outcome`` comes back as sent."""

    outcome: dict[str, Any] | None = None
    info: str | None = None


class JobCancelDetails(Wire):
    info: str | None = None


class JobSplitDetails(Wire):
    """``parts``: how many, or the data of each."""

    parts: int | list[dict[str, Any]]
    run_in_parallel: bool | None = None


class JobShape(Wire, kw_only=True):
    id: str
    type: str
    operation: str
    source: str
    status: Status
    trigger: str
    managed: bool
    environment_id: str
    created_by: str
    created_at: str
    updated_at: str
    space_id: str | None = None
    file_id: str | None = None
    destination: str | None = None
    mode: str | None = None
    progress: int | None = None
    info: str | None = None
    part: int | None = None
    part_data: dict[str, Any] | None = None
    part_execution: str | None = None
    parent_id: str | None = None
    predecessor_ids: list[str] | None = None
    config: Any = None
    input: dict[str, Any] | None = None
    subject: dict[str, Any] | None = None
    outcome: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    started_at: str | None = None
    finished_at: str | None = None
    estimated_completion_at: str | None = None
    outcome_acknowledged_at: str | None = None


_TIMES = ("started_at", "finished_at", "estimated_completion_at", "outcome_acknowledged_at")
_WIRE_NAMES = {field.name: field.encode_name for field in msgspec.structs.fields(JobShape)}
_PLAIN = tuple(
    name for name in JobShape.__struct_fields__ if name not in _TIMES and name not in {"created_at", "updated_at"}
)


def to_shape(job: Job) -> JobShape:
    members: dict[str, Any] = {name: getattr(job, name) for name in _PLAIN}
    members |= {name: iso_or_none(getattr(job, name)) for name in _TIMES}
    return JobShape(**members, created_at=iso(job.created_at), updated_at=iso(job.updated_at))


def to_draft(config: JobConfig) -> JobDraft:
    return JobDraft(**{name: value for name, value in _members(config).items() if value is not None})


def to_change(details: JobUpdate | JobAckDetails | None) -> JobChange:
    """What a request changes. Raises Invalid for a time that is not one."""
    members = {} if details is None else _members(details)
    for name in members.keys() & set(_TIMES):
        members[name] = _moment(name, members[name])
    return JobChange(**members)


def to_parts(details: JobSplitDetails) -> list[dict[str, Any] | None]:
    """The data of each part; never more than one too many."""
    if isinstance(details.parts, int):
        return [None] * max(0, min(details.parts, MAX_PARTS + 1))
    return list(details.parts)


def _members(struct: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def _moment(name: str, value: str | None) -> int | None:
    if value is None:
        return None
    try:
        return parse_iso(value)
    except ValueError:
        key = _WIRE_NAMES[name]
        raise Invalid(f"{key}: give a time as ISO 8601, such as 2027-01-15T08:00:00Z.", key) from None
