"""Wire shapes of agents."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from sheetport.features.agents.model import (
    Agent,
    AgentDraft,
    AgentExport,
    AgentVersion,
    Bundle,
    Execution,
    Suspect,
    matches,
)
from sheetport.features.agents.service.bundles import unpacked
from sheetport.features.events.model import TOPICS
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso, iso_or_none


class AgentConfig(Wire):
    """A deploy. ``options``, ``templateOptions``, ``packageVersions`` and ``commitInfo`` come back as sent."""

    topics: list[str] | None = None
    compiler: Literal["js", "python"] | None = None
    source: str | None = None
    source_map: str | None = None
    slug: str | None = None
    options: dict[str, Any] | None = None
    template: str | None = None
    template_options: dict[str, Any] | None = None
    is_system: bool | None = None
    namespace: str | None = None
    package_versions: dict[str, str] | None = None
    commit_info: dict[str, Any] | None = None


class AgentShape(Wire):
    """``source`` and ``sourceMap`` are there when one agent is asked for, by whoever may change it."""

    id: str
    account_id: str
    environment_id: str
    created_at: str
    updated_at: str
    slug: str
    compiler: str
    topics: list[str] | None = None
    namespace: str | None = None
    source: str | None = None
    source_map: str | None = None
    options: dict[str, Any] | None = None
    template_options: dict[str, Any] | None = None
    is_system: bool | None = None
    package_versions: dict[str, str] | None = None
    commit_info: dict[str, Any] | None = None


class AgentVersionShape(Wire):
    """``origin`` is the number of the version that it is a copy of, or its own."""

    id: str
    version: int
    origin: int
    created_at: str
    updated_at: str
    compiler: str
    agent_id: str = msgspec.field(name="agent_id")
    topics: list[str] | None = None
    namespace: str | None = None
    options: dict[str, Any] | None = None
    package_versions: dict[str, str] | None = None
    commit_info: dict[str, Any] | None = None


class AgentState(Wire):
    """How an agent is, beside what the API of others tells. ``waiting`` is how many events it is still to be told."""

    id: str
    slug: str
    version: int
    waiting: int
    allowed_hosts: list[str]
    paused_at: str | None = None
    paused_because: str | None = None


class HostConfig(Wire):
    """A host that an agent may call, such as ``api.example.com``."""

    host: str


class AgentLogShape(Wire):
    """One attempt to have an agent handle an event. Times are milliseconds, memory is bytes."""

    id: str
    agent_id: str
    event_id: str
    success: bool
    created_at: str
    completed_at: str
    log: str | None = None
    queue_lag: int | None = None
    namespaces: list[str] | None = None
    context: dict[str, Any] | None = None
    topic: str | None = None
    duration: int | None = None
    memory_usage: int | None = None


class DetailedAgentLogShape(Wire):
    event_id: str
    success: bool
    created_at: str
    completed_at: str
    duration: int
    topic: str
    context: dict[str, Any]
    log: str | None = None


class ExecutionShape(Wire):
    """``isDead``: it failed and the event is not told again. ``state``, ``attempt``, ``error`` and ``agentId`` are
    ours."""

    event_id: str
    success: bool
    created_at: str
    completed_at: str
    duration: int
    topic: str
    agent_id: str
    version: int
    state: str
    attempt: int
    queue_lag: int
    is_dead: bool
    space_id: str | None = None
    memory_usage: int | None = None
    error: str | None = None


class AgentExportShape(Wire):
    id: str
    agent_id: str
    export_type: str
    account_id: str
    environment_id: str
    created_at: str
    updated_at: str


_TOPICS = sorted(TOPICS)
#: What a deploy says that comes back as it was sent.
_KEPT = ("options", "template_options", "is_system", "package_versions", "commit_info")


def to_draft(config: AgentConfig, bundle: Bundle, suspects: tuple[Suspect, ...]) -> AgentDraft:
    said = {name: getattr(config, name) for name in (*_KEPT, "template")}
    return AgentDraft(
        bundle=bundle,
        slug=config.slug,
        topics=config.topics,
        namespace=config.namespace,
        compiler=config.compiler or "js",
        config={name: value for name, value in said.items() if value is not None},
        suspects=suspects,
    )


def to_shape(agent: Agent, bundle: Bundle | None = None) -> AgentShape:
    """With the program where there is one, which takes a while to be unpacked."""
    packed = None if bundle is None else bundle.source_map
    return AgentShape(
        id=agent.id,
        account_id=agent.account_id,
        environment_id=agent.environment_id,
        created_at=iso(agent.created_at),
        updated_at=iso(agent.updated_at),
        slug=agent.slug,
        compiler=agent.compiler,
        topics=_topics(agent.topics),
        namespace=agent.namespace,
        source=None if bundle is None else _text(bundle.source),
        source_map=None if packed is None else _text(packed),
        **{name: agent.config.get(name) for name in _KEPT},
    )


def to_version(version: AgentVersion) -> AgentVersionShape:
    return AgentVersionShape(
        id=version.id,
        version=version.version,
        origin=version.origin,
        created_at=iso(version.created_at),
        updated_at=iso(version.created_at),
        agent_id=version.agent_id,
        compiler=version.compiler,
        topics=_topics(version.topics),
        namespace=version.namespace,
        options=version.config.get("options"),
        package_versions=version.config.get("package_versions"),
        commit_info=version.config.get("commit_info"),
    )


def to_state(agent: Agent, waiting: int) -> AgentState:
    return AgentState(
        id=agent.id,
        slug=agent.slug,
        version=agent.version,
        waiting=waiting,
        allowed_hosts=agent.allowed_hosts,
        paused_at=iso_or_none(agent.paused_at),
        paused_because=agent.paused_because,
    )


def to_log(execution: Execution) -> AgentLogShape:
    return AgentLogShape(
        id=execution.id,
        agent_id=execution.agent_id,
        event_id=execution.event_id,
        success=execution.success,
        created_at=iso(execution.created_at),
        completed_at=iso(execution.completed_at),
        log=_said(execution),
        queue_lag=execution.queue_lag,
        namespaces=execution.namespaces or None,
        context=execution.context,
        topic=execution.topic,
        duration=execution.duration,
        memory_usage=execution.memory,
    )


def to_detailed(execution: Execution) -> DetailedAgentLogShape:
    return DetailedAgentLogShape(
        event_id=execution.event_id,
        success=execution.success,
        created_at=iso(execution.created_at),
        completed_at=iso(execution.completed_at),
        duration=execution.duration,
        topic=execution.topic,
        context=execution.context,
        log=_said(execution),
    )


def to_execution(execution: Execution) -> ExecutionShape:
    return ExecutionShape(
        event_id=execution.event_id,
        success=execution.success,
        created_at=iso(execution.created_at),
        completed_at=iso(execution.completed_at),
        duration=execution.duration,
        topic=execution.topic,
        space_id=execution.space_id,
        memory_usage=execution.memory,
        agent_id=execution.agent_id,
        version=execution.version,
        state=execution.state,
        attempt=execution.attempt,
        queue_lag=execution.queue_lag,
        is_dead=execution.is_dead,
        error=execution.error,
    )


def to_export(export: AgentExport) -> AgentExportShape:
    return AgentExportShape(
        id=export.id,
        agent_id=export.agent_id,
        export_type=export.export_type,
        account_id=export.account_id,
        environment_id=export.environment_id,
        created_at=iso(export.created_at),
        updated_at=iso(export.created_at),
    )


def _topics(patterns: list[str] | None) -> list[str] | None:
    """The topics of the API that the patterns of a deploy mean: clients know no others."""
    return None if patterns is None else [topic for topic in _TOPICS if matches(patterns, topic)]


def _said(execution: Execution) -> str | None:
    """What the agent wrote, and behind it why it failed."""
    return "\n".join(filter(None, (execution.log, execution.error))) or None


def _text(packed: bytes) -> str:
    return unpacked(packed).decode("utf-8", "surrogatepass")
