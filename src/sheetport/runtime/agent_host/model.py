"""What the agent host is asked to run, within which limits, and how a run ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sheetport.config import MEBIBYTE

State = Literal["done", "failed", "timeout", "memory", "crashed"]
#: What an execution may write: the first and the last of it are kept.
MAX_LOG = 64 * 1024


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. One process runs one (agent, version, space); ``space_id`` None is an event of the environment."""

    agent_id: str
    version: int
    space_id: str | None
    environment_id: str
    source: bytes = field(repr=False)
    #: "js" or "python".
    compiler: str
    #: FLATFILE_BEARER_TOKEN and FLATFILE_API_KEY of the program; it opens the one environment only.
    token: str = field(repr=False)
    #: Hosts beside this server that may be called: "hooks.example.com" (ports 80 and 443) or "hooks.example.com:8443".
    allowed_hosts: tuple[str, ...]

    @property
    def key(self) -> tuple[str, int, str | None]:
        """What a process is kept by."""
        return self.agent_id, self.version, self.space_id


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one event ended."""

    #: "done", "failed" (the program's own fault), "timeout", "memory" or "crashed" (the process ended by itself).
    state: State
    #: What the program wrote, at most MAX_LOG bytes, tokens masked.
    log: str
    #: One line: what went wrong, with the source line where it is known. None when done.
    error: str | None
    duration_ms: int
    #: The largest resident size that was seen.
    memory_bytes: int
    #: Whether the program had to be loaded first.
    cold: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """What agents may use. Seconds and bytes."""

    #: Wall clock of one event, the loading of the program included.
    event_seconds: float = 60.0
    #: Processor time of one event.
    cpu_seconds: float = 30.0
    #: JavaScript objects of one process.
    heap_bytes: int = 128 * MEBIBYTE
    #: Resident size of one process, buffers included.
    memory_bytes: int = 384 * MEBIBYTE
    #: Private files of one process, which live in memory.
    temporary_bytes: int = 64 * MEBIBYTE
    #: Warm processes, busy ones included; beyond it the one idle for longest ends.
    processes: int = 20
    #: Resident size of all warm processes together, by the same rule.
    total_bytes: int = 2048 * MEBIBYTE
    #: Started without a program, so that a first event waits less.
    spare: int = 1
    #: An idle process is stopped after this long: what it left running goes on with its next event.
    settle_seconds: float = 0.5
    #: Threads of one process.
    threads: int = 64
