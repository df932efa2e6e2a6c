"""An event as the log keeps it, and the channels on which subscribers follow the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sheetport.kernel.actor import Actor, Path

_DOMAINS = (
    "file space workbook flag job document sheet program secret cron environment data-clip canvas canvas-area thread"
)
_VERBS = {
    "agent": "created updated deleted",
    "space": "created updated deleted archived unarchived expired guestAdded guestRemoved",
    "document": "created updated deleted",
    "workbook": "created updated deleted expired thawed",
    "flag": "created updated deleted",
    "sheet": "created updated deleted counts-updated calculation-updated",
    "snapshot": "created",
    "records": "created updated deleted",
    "file": "created updated deleted expired",
    "job": "created updated deleted completed ready scheduled outcome-acknowledged parts-completed failed",
    "program": "created updated recomputing recomputed",
    "commit": "created updated completed",
    "layer": "created",
    "secret": "created updated deleted",
    "cron": "5-minutes hourly daily weekly",
    "environment": "created updated deleted autobuild-created",
    "action": "created updated deleted",
    "data-clip": "created updated deleted collaborator-updated resolutions-created resolutions-updated "
    "resolutions-refreshed",
    "canvas": "created updated deleted",
    "canvas-area": "created updated deleted",
    "thread": "created updated deleted",
}
#: The closed vocabulary of the public API.
DOMAINS = frozenset(_DOMAINS.split())
TOPICS = frozenset(f"{noun}:{verb}" for noun, verbs in _VERBS.items() for verb in verbs.split())
#: What we tell of keys, secrets and sign-ins besides. Only the server writes these, and since some clients know but the
#: public topics, a list holds them only when their topic or their domain is asked for.
ALERT = "alert"
ALERTS = frozenset(
    {
        "api-key:expiring",
        "api-key:idle",
        "api-key:expired",
        "api-key:revoked",
        "api-key:exposed",
        "agent:paused",
        "login:new-place",
        "secret:rotated",
        "secret:rotation-due",
        "secret:tampered",
        "webhook:disabled",
    }
)
#: The domain of topics whose first word is none.
_DOMAIN_OF = {
    "records": "workbook",
    "commit": "workbook",
    "layer": "workbook",
    "snapshot": "sheet",
    "agent": "environment",
    "action": "space",
}


def domain_of(topic: str) -> str:
    """The domain that a topic's events have unless its writer says another."""
    if topic in ALERTS:
        return ALERT
    noun = topic.partition(":")[0]
    return _DOMAIN_OF.get(noun, noun)


@dataclass(frozen=True, slots=True)
class Event:
    """``context`` and ``payload`` are wire objects (camelCase), exactly as subscribers get them."""

    id: str
    environment_id: str
    account_id: str
    space_id: str | None
    topic: str
    domain: str
    context: dict[str, Any]
    payload: dict[str, Any]
    created_at: int
    position: int | None = None
    target: str | None = None
    namespaces: list[str] = field(default_factory=list)
    origin: dict[str, Any] | None = None
    attributes: dict[str, Any] | None = None
    data_url: str | None = None
    callback_url: str | None = None
    acknowledged_at: int | None = None
    acknowledged_by: str | None = None
    workbook_id: str | None = None
    sheet_id: str | None = None
    #: How many events of agents, each told by an agent handling the one before, led to this one; None is none.
    depth: int | None = None

    @property
    def path(self) -> Path:
        """The environment, space, workbook and sheet that it is of, as a caller's grants name them."""
        return self.environment_id, self.space_id, self.workbook_id, self.sheet_id


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event that a caller asks to be written. ``context`` names the ids it is about."""

    topic: str
    domain: str
    context: dict[str, Any]
    payload: dict[str, Any]
    target: str | None = None
    namespaces: list[str] | None = None
    origin: dict[str, Any] | None = None
    attributes: dict[str, Any] | None = None
    data_url: str | None = None
    callback_url: str | None = None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a list holds; None leaves a thing open. ``since`` is an ISO time or an event's id."""

    environment_id: str | None = None
    space_id: str | None = None
    domain: str | None = None
    topic: str | None = None
    since: str | None = None
    include_acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class EventQuery:
    """A filter with its ids checked and its ``since`` resolved to a time (inclusive) or a position (exclusive)."""

    account_id: str
    environment_id: str | None = None
    space_id: str | None = None
    domain: str | None = None
    topic: str | None = None
    since: int | None = None
    after: int | None = None
    include_acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Channel:
    """What a subscriber follows: an environment, or one space of it."""

    environment_id: str
    space_id: str | None = None

    @property
    def scope(self) -> str:
        """The id of what is followed."""
        return self.space_id or self.environment_id

    @property
    def name(self) -> str:
        """The channel's name on the stream."""
        return f"environment.{self.environment_id}" if self.space_id is None else f"space.{self.space_id}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a follower of a channel asks for of it; None leaves a thing open."""

    topic: str | None = None
    domain: str | None = None

    def fits(self, event: Event) -> bool:
        """Whether it asks for this event."""
        return self.topic in {None, event.topic} and self.domain in {None, event.domain}


@dataclass(frozen=True, slots=True)
class Issuer:
    """The token that a subscription was given for: when it ends (milliseconds), and whose it is.

    ``actor`` is None when its holder may follow all that the token reaches.
    """

    ends_at: int
    actor: Actor | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """Who follows which channel, and until when: what a subscription token says, once its MAC holds.

    ``id`` is new with every token. ``issuer`` names the token it was given for, and ends with it.
    """

    id: str
    channel: Channel
    account_id: str
    issuer: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """A new subscription token. ``minutes`` is how long it lives."""

    account_id: str
    minutes: int
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ListenerRow:
    """A listener that is connected. ``name`` is what it calls itself."""

    environment_id: str
    id: str
    scope: str
    name: str
    process: str
    connected_at: int
