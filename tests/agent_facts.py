"""What tests say of agents that nothing ran."""

from __future__ import annotations

from typing import Any

from sheetport.features.agents.model import Agent, Execution
from sheetport.kernel.ids import new_id


def execution_of(agent: Agent, event_id: str, **said: Any) -> Execution:
    """An execution of an agent that went well, but for what is said."""
    facts: dict[str, Any] = {
        "id": new_id("lg", agent.environment_id),
        "environment_id": agent.environment_id,
        "agent_id": agent.id,
        "version": agent.version,
        "event_id": event_id,
        "topic": "job:ready",
        "space_id": None,
        "context": {"environmentId": agent.environment_id},
        "namespaces": [],
        "state": "done",
        "success": True,
        "is_dead": False,
        "attempt": 1,
        "log": "hello",
        "error": None,
        "duration": 12,
        "memory": 60_000_000,
        "queue_lag": 3,
        "is_cold": True,
        "created_at": 1_000,
        "completed_at": 1_012,
    }
    return Execution(**facts | said)
