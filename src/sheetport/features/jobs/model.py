"""A job and the one table of what may happen to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sheetport.kernel.clock import MINUTE

#: How long a job may be ready or executing without a sign of life from whoever handles it.
PATIENCE = 5 * MINUTE
MAX_PARTS = 1_000


class Status(StrEnum):
    CREATED = "created"
    PLANNING = "planning"
    SCHEDULED = "scheduled"
    READY = "ready"
    EXECUTING = "executing"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELED = "canceled"
    WAITING = "waiting"


FINAL = frozenset({Status.COMPLETE, Status.FAILED, Status.CANCELED})
#: The statuses a job may be created in.
INITIAL = (Status.CREATED, Status.PLANNING, Status.SCHEDULED, Status.READY, Status.EXECUTING)


class Action(StrEnum):
    """What may happen to a job. The first group is asked for by callers, the second is the server's own."""

    PLAN = "plan"
    SCHEDULE = "schedule"
    EXECUTE = "execute"
    ACK = "ack"
    UPDATE = "update"
    SPLIT = "split"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"
    RETRY = "retry"
    ACK_OUTCOME = "outcome/ack"

    WAIT = "wait"  # asked to run while a predecessor is unfinished
    RELEASE = "release"  # nothing stands before it any more
    FORSAKE = "forsake"  # a predecessor did not complete
    EXPIRE = "expire"  # nobody gave a sign of life


@dataclass(frozen=True, slots=True)
class Step:
    """Where an action leads and what is told of it."""

    status: Status
    topics: tuple[str, ...] = ("job:updated",)


def _steps() -> dict[tuple[Status, Action], Step]:
    s, a = Status, Action
    unstarted = (s.CREATED, s.PLANNING, s.SCHEDULED)
    running = (s.READY, s.EXECUTING)
    ready, failed = Step(s.READY, ("job:ready",)), Step(s.FAILED, ("job:failed",))
    acknowledged = ("job:outcome-acknowledged",)
    rows: list[tuple[tuple[Status, ...], Action, Step]] = [
        ((s.CREATED,), a.PLAN, Step(s.PLANNING)),
        ((s.CREATED, s.PLANNING), a.SCHEDULE, Step(s.SCHEDULED, ("job:scheduled",))),
        ((*unstarted, s.READY), a.EXECUTE, ready),
        (running, a.ACK, Step(s.EXECUTING)),
        (running, a.SPLIT, Step(s.EXECUTING)),
        (running, a.COMPLETE, Step(s.COMPLETE, ("job:completed",))),
        (running, a.FAIL, failed),
        ((*unstarted, s.WAITING, *running), a.CANCEL, Step(s.CANCELED)),
        ((s.FAILED, s.CANCELED), a.RETRY, ready),
        ((s.COMPLETE,), a.ACK_OUTCOME, Step(s.COMPLETE, acknowledged)),
        ((s.FAILED,), a.ACK_OUTCOME, Step(s.FAILED, acknowledged)),
        ((*unstarted, s.READY, s.FAILED, s.CANCELED), a.WAIT, Step(s.WAITING)),
        ((s.WAITING,), a.RELEASE, ready),
        ((s.WAITING,), a.FORSAKE, failed),
        (running, a.EXPIRE, failed),
    ]
    table = {(status, action): step for statuses, action, step in rows for status in statuses}
    return table | {(status, a.UPDATE): Step(status) for status in s}


#: Every move a job can make; what is not here is refused.
STEPS = _steps()

#: Where an action would lead, to name it in a refusal.
AIMS: dict[Action, Status] = {
    action: step.status for (_, action), step in STEPS.items() if action not in {Action.UPDATE, Action.ACK_OUTCOME}
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Times are milliseconds. ``announced_at``: when job:ready was told; ``deadline_at``: when patience ends."""

    id: str
    environment_id: str
    account_id: str
    type: str
    operation: str
    source: str
    status: Status
    trigger: str
    managed: bool
    created_by: str
    created_at: int
    updated_at: int
    space_id: str | None = None
    workbook_id: str | None = None
    sheet_id: str | None = None
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
    started_at: int | None = None
    finished_at: int | None = None
    estimated_completion_at: int | None = None
    outcome_acknowledged_at: int | None = None
    acknowledged_at: int | None = None
    announced_at: int | None = None
    deadline_at: int | None = None

    @property
    def name(self) -> str:
        """``workbook:submitAction``: what listeners filter by."""
        return f"{self.type}:{self.operation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDraft:
    """What a caller says of a new job."""

    type: str
    operation: str
    source: str
    environment_id: str | None = None
    status: Status | None = None
    trigger: str = "manual"
    managed: bool = False
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


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChange:
    """What an update names; None stays as it is."""

    status: Status | None = None
    progress: int | None = None
    info: str | None = None
    config: Any = None
    metadata: dict[str, Any] | None = None
    estimated_completion_at: int | None = None
    outcome_acknowledged_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs a list holds; None is any."""

    environment_id: str | None = None
    space_id: str | None = None
    workbook_id: str | None = None
    file_id: str | None = None
    parent_id: str | None = None
    source: str | None = None
    exclude_child_jobs: bool = False
    oldest_first: bool = False
