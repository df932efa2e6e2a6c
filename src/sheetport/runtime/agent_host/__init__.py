"""Runs the programs of agents, each in a jail of its own."""

from __future__ import annotations

from sheetport.runtime.agent_host.host import AgentHost
from sheetport.runtime.agent_host.model import MAX_LOG, Limits, Outcome, Program, State

__all__ = ["MAX_LOG", "AgentHost", "Limits", "Outcome", "Program", "State"]
