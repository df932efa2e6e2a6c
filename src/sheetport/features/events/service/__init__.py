"""What events do, by file: ``emitting`` (writing them), ``log`` (listing, reading, making and acknowledging them
by request), ``subscriptions`` (who may follow a channel, and what it holds), ``following`` (those who do),
``presence`` (who is listening), ``retention`` (how long the log is kept)."""

from sheetport.features.events.service.emitting import begin_log, context_of, emit
from sheetport.features.events.service.log import acknowledge_event, create_event, get_event, list_events
from sheetport.features.events.service.presence import (
    forget_process,
    list_processes,
    record_listeners,
)
from sheetport.features.events.service.retention import list_outdated, oldest_day, sweep_batch
from sheetport.features.events.service.subscriptions import (
    begin_stream,
    find_generation,
    find_newest_position,
    find_oldest_position,
    mint_subscription,
    read_channel,
    read_events,
    read_subscription_token,
)

__all__ = [
    "acknowledge_event",
    "begin_log",
    "begin_stream",
    "context_of",
    "create_event",
    "emit",
    "find_generation",
    "find_newest_position",
    "find_oldest_position",
    "forget_process",
    "get_event",
    "list_events",
    "list_outdated",
    "list_processes",
    "mint_subscription",
    "oldest_day",
    "read_channel",
    "read_events",
    "read_subscription_token",
    "record_listeners",
    "sweep_batch",
]
