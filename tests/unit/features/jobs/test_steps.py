"""The table of a job's steps, pair by pair, against the life cycle as the documentation tells it."""

from __future__ import annotations

import pytest

from sheetport.features.jobs.model import FINAL, STEPS, Action, Status

#: For each action, the statuses it is possible in and where it leads. "=" is the status itself.
LIFE: dict[str, dict[str, str]] = {
    "plan": {"created": "planning"},
    "schedule": {"created": "scheduled", "planning": "scheduled"},
    "execute": dict.fromkeys(["created", "planning", "scheduled", "ready"], "ready"),
    "ack": dict.fromkeys(["ready", "executing"], "executing"),
    "split": dict.fromkeys(["ready", "executing"], "executing"),
    "complete": dict.fromkeys(["ready", "executing"], "complete"),
    "fail": dict.fromkeys(["ready", "executing"], "failed"),
    "cancel": dict.fromkeys(["created", "planning", "scheduled", "ready", "executing", "waiting"], "canceled"),
    "retry": dict.fromkeys(["failed", "canceled"], "ready"),
    "outcome/ack": {"complete": "complete", "failed": "failed"},
    "update": {str(status): str(status) for status in Status},
    "wait": dict.fromkeys(["created", "planning", "scheduled", "ready", "failed", "canceled"], "waiting"),
    "release": {"waiting": "ready"},
    "forsake": {"waiting": "failed"},
    "expire": dict.fromkeys(["ready", "executing"], "failed"),
}
#: What entering a status tells; every other move tells job:updated.
TOLD = {"ready": "job:ready", "complete": "job:completed", "failed": "job:failed", "scheduled": "job:scheduled"}


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("action", list(Action))
def test_every_pair_of_status_and_action_is_as_documented(status: Status, action: Action) -> None:
    step = STEPS.get((status, action))
    assert (None if step is None else step.status.value) == LIFE[action.value].get(status.value)


@pytest.mark.parametrize("pair", list(STEPS))
def test_every_step_tells_exactly_one_event(pair: tuple[Status, Action]) -> None:
    step, action = STEPS[pair], pair[1]
    if action is Action.ACK_OUTCOME:
        assert step.topics == ("job:outcome-acknowledged",)
    elif action is Action.UPDATE:
        assert step.topics == ("job:updated",)
    else:
        assert step.topics == (TOLD.get(step.status.value, "job:updated"),)


def test_an_ended_job_moves_only_by_retry_which_a_complete_one_does_not_take() -> None:
    leaving = {
        (status, action) for (status, action), step in STEPS.items() if status in FINAL and step.status != status
    }
    assert leaving == {
        (status, action) for status in (Status.FAILED, Status.CANCELED) for action in (Action.RETRY, Action.WAIT)
    }
