"""Events as commands ask for them: which ones, those of the past in order, and a line for each."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sheetport.cli.durations import moment_of, seconds_of
from sheetport.listener.client import Api
from sheetport.listener.matching import topic_matches

Event = Mapping[str, Any]
#: Events of a page of the log.
PAGE = 200
#: The same in every line of one command.
_ALWAYS = ("accountId", "environmentId")
_SPAN = re.compile(r"\d{1,9}[smhd]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """``topics`` are globs, any of which is enough. ``domain`` None is any."""

    topics: Sequence[str]
    domain: str | None

    def fits(self, event: Event) -> bool:
        return topic_matches(event.get("topic"), self.topics) and self.domain in {None, event.get("domain")}


def beginning(text: str, option: str) -> str:
    """An event's id as it is; a span such as 10m as the time that long ago; a date or time. Raises CommandError."""
    if text.startswith("us_evt_"):
        return text
    if _SPAN.fullmatch(text.strip().lower()):
        return (datetime.now(UTC) - timedelta(seconds=seconds_of(text, option))).isoformat()
    return moment_of(text, option)


async def past_events(api: Api, since: str) -> AsyncIterator[Event]:
    """The events of the connection's scope behind an event's id, or from a time on, oldest first."""
    scope = api.connection.scope
    place = {"environmentId" if "env" in scope else "spaceId": scope}
    while True:
        asked = {**place, "since": since, "pageSize": PAGE, "includeAcknowledged": True}
        page = await api.fetch("v1/events", params=asked)
        for event in page:
            yield event
        if len(page) < PAGE:
            return
        since = page[-1]["id"]


def line(event: Event) -> str:
    """Time, topic, id, and the ids that the event is about."""
    context = event.get("context") or {}
    ids = [f"{name}={value}" for name, value in context.items() if name.endswith("Id") and name not in _ALWAYS]
    return "  ".join([str(event.get("createdAt", "")), str(event.get("topic")), str(event.get("id")), *ids])
