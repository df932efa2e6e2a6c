"""Runs hosted agents: one warm, jailed process for each program."""

from __future__ import annotations

from pathlib import Path

from sheetport.runtime.agent_host.model import Limits, Outcome, Program


class AgentHost:
    """Starts, reuses and ends the processes of agents. ``folder`` is its own: what it held before is removed."""

    #: Whether the kernel keeps agents from connecting anywhere but through this server's gate.
    egress_enforced: bool = False
    #: Why Python programs are not run here, None where they are.
    python_refused: str | None = "Hosted Python is not available."

    def __init__(self, folder: Path, server_url: str, limits: Limits) -> None:
        self._folder = folder
        self._server_url = server_url
        self._limits = limits

    async def run(self, program: Program, event: bytes) -> Outcome:
        """Hands an event (its JSON as on the wire) to the program, whose process is started or reused."""
        raise NotImplementedError

    async def evict(self, agent_id: str) -> None:
        """Ends every process of the agent, busy ones too: what they were doing ends as "crashed"."""
        raise NotImplementedError

    async def close(self) -> None:
        """Ends all processes."""
