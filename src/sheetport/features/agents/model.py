"""An agent, its versions, what it is to be told, and what became of that."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from sheetport.config import MEBIBYTE
from sheetport.features.events.model import ALERT, Event
from sheetport.kernel.clock import SECOND

DEFAULT_SLUG = "default"
#: Of a source or a source map as it is sent, and compressed.
MAX_TEXT, MAX_STORED = 32 * MEBIBYTE, 20 * MEBIBYTE
MAX_TOPICS, MAX_WORD, MAX_HOSTS = 500, 255, 100
#: An event is told so often before it is given up, after these pauses (milliseconds).
PAUSES = (SECOND, 5 * SECOND)
ATTEMPTS = len(PAUSES) + 1
#: Of what an agent wrote while it handled an event.
MAX_LOG = 64 * 1024


class ExportType(StrEnum):
    AUTOBUILD_INLINED = "AUTOBUILD_INLINED"
    SYSTEM_COMBINED = "SYSTEM_COMBINED"
    SOURCE = "SOURCE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Times are milliseconds. ``topics`` None is every topic. ``config`` is what the deploy said besides, as wire
    members. ``token_id`` names the token that it runs with, None before its first run."""

    id: str
    environment_id: str
    account_id: str
    slug: str
    version_id: str
    version: int
    topics: list[str] | None
    namespace: str | None
    compiler: str
    config: dict[str, Any]
    allowed_hosts: list[str]
    created_by: str
    created_at: int
    updated_at: int
    token_id: str | None = None
    paused_at: int | None = None
    paused_because: str | None = None
    deleted_at: int | None = None

    def wants(self, event: Event) -> bool:
        """Whether the event is one that the agent is told of."""
        if event.domain == ALERT and event.topic not in (self.topics or ()):
            return False  # some programs know but the public topics
        if self.topics is not None and not matches(tuple(self.topics), event.topic):
            return False
        return self.namespace is None or any(matches((self.namespace,), each) for each in event.namespaces)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentVersion:
    """One deploy. ``origin`` is the number of the version that it is a copy of, or its own."""

    id: str
    environment_id: str
    agent_id: str
    version: int
    origin: int
    topics: list[str] | None
    namespace: str | None
    compiler: str
    config: dict[str, Any]
    created_by: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """A program and its source map, both compressed."""

    source: bytes = field(repr=False)
    source_map: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Suspect:
    """What looks like a token of ours in a bundle: where it is, and what may be shown of it."""

    token: str = field(repr=False)
    kind: str
    masked: str
    place: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDraft:
    """What a deploy says. ``suspects`` is what was found in the bundle that may be a live token."""

    bundle: Bundle
    slug: str | None = None
    topics: list[str] | None = None
    namespace: str | None = None
    compiler: str = "js"
    config: dict[str, Any] = field(default_factory=dict)
    suspects: tuple[Suspect, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that an agent is still to be told of. ``attempts`` is how often it was, ``due_at`` when it may be."""

    event_id: str
    position: int
    space_id: str | None
    depth: int
    attempts: int
    due_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One attempt to have an agent handle an event. ``duration`` and ``queue_lag`` are milliseconds, ``memory`` bytes.

    ``is_dead``: it failed, and the event is not told again.
    """

    id: str
    environment_id: str
    agent_id: str
    version: int
    event_id: str
    topic: str
    space_id: str | None
    context: dict[str, Any]
    namespaces: list[str]
    state: str
    success: bool
    is_dead: bool
    attempt: int
    log: str | None
    error: str | None
    duration: int
    memory: int
    queue_lag: int
    is_cold: bool
    created_at: int
    completed_at: int


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """Which executions a list holds; None leaves a thing open."""

    environment_id: str
    agent_id: str | None = None
    space_id: str | None = None
    event_id: str | None = None
    success: bool | None = None


@dataclass(frozen=True, slots=True)
class AgentExport:
    """A version put up for download."""

    id: str
    environment_id: str
    account_id: str
    agent_id: str
    version_id: str
    export_type: str
    created_at: int


def matches(patterns: Iterable[str], text: str) -> bool:
    """Whether one of the patterns matches, as the clients' do: ``*`` is one word between colons, ``**`` any number."""
    return any(pattern == text or _pattern(pattern).fullmatch(text) is not None for pattern in patterns)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    words = [".*" if word == "**" else re.escape(word).replace(r"\*", "[^:]*") for word in text.split(":")]
    return re.compile(":".join(words))
