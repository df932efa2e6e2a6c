"""Ticks of the clock that listeners and scheduled actions are told of."""

from __future__ import annotations

from sqlalchemy import Table

from sheetport.storage.tables.base import key, metadata, moment

#: For each topic the newest tick of which everybody has been told, on the whole server.
cron_rounds = Table("cron_rounds", metadata, key("topic"), moment("due_at"))

#: Who has been told of which tick: ``subject`` is an environment, or an action whose job has been made. A row is
#: written with what it stands for, so that a tick is told once, by whomever; it goes when the next round has ended.
cron_ticks = Table(
    "cron_ticks",
    metadata,
    key("environment_id"),
    key("topic"),
    key("subject"),
    moment("due_at"),
)

#: When somebody was last seen to follow an environment, within an hour or so.
cron_followed = Table("cron_followed", metadata, key("environment_id"), moment("seen_at"))
