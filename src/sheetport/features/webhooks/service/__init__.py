"""What webhooks do, by file: ``webhooks`` (making and changing them), ``rules`` (what they may say), ``keys`` (what
signs), ``deliveries`` (the log, replays), ``delivering`` (what is to be sent, what became of it), ``sending``.
"""

from sheetport.features.webhooks.service.deliveries import (
    get_delivery,
    list_deliveries,
    replay_dead,
    replay_delivery,
)
from sheetport.features.webhooks.service.delivering import (
    Fresh,
    Parcel,
    Turn,
    list_work,
    look_ahead,
    release_webhooks,
    sweep_deliveries,
    take_turn,
)
from sheetport.features.webhooks.service.keys import reseal_keys, sweep_keys
from sheetport.features.webhooks.service.sending import send_message
from sheetport.features.webhooks.service.webhooks import (
    create_webhook,
    delete_webhook,
    get_scope,
    get_scope_of,
    get_signing,
    get_webhook,
    list_webhooks,
    rotate_webhook,
    update_webhook,
)

__all__ = [
    "Fresh",
    "Parcel",
    "Turn",
    "create_webhook",
    "delete_webhook",
    "get_delivery",
    "get_scope",
    "get_scope_of",
    "get_signing",
    "get_webhook",
    "list_deliveries",
    "list_webhooks",
    "list_work",
    "look_ahead",
    "release_webhooks",
    "replay_dead",
    "replay_delivery",
    "reseal_keys",
    "rotate_webhook",
    "send_message",
    "sweep_deliveries",
    "sweep_keys",
    "take_turn",
    "update_webhook",
]
