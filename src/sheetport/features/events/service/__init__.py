"""What events do, by file: ``emitting`` (writing them), ``log`` (listing, reading, making and acknowledging them
by request), ``subscriptions`` (who may follow a channel, and what it holds), ``presence`` (who is listening)."""

from sheetport.features.events.service.emitting import begin_log, context_of, emit
from sheetport.features.events.service.log import acknowledge_event, create_event, get_event, list_events
from sheetport.features.events.service.presence import (
    forget_process,
    list_processes,
    record_listeners,
)
from sheetport.features.events.service.subscriptions import (
    find_newest_position,
    is_open,
    mint_subscription,
    read_channel,
    read_subscription_token,
)

__all__ = [
    "acknowledge_event",
    "begin_log",
    "context_of",
    "create_event",
    "emit",
    "find_newest_position",
    "forget_process",
    "get_event",
    "is_open",
    "list_events",
    "list_processes",
    "mint_subscription",
    "read_channel",
    "read_subscription_token",
    "record_listeners",
]
