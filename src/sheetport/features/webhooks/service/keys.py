"""The keys that sign a webhook's messages: made, sealed, opened."""

from __future__ import annotations

from contextlib import suppress

from sheetport.features.webhooks.model import Webhook, WebhookKey
from sheetport.features.webhooks.store import webhooks as store
from sheetport.kernel.crypto import DecryptionError
from sheetport.kernel.errors import Unavailable
from sheetport.kernel.ids import new_id
from sheetport.kernel.standard_webhooks import SigningKey
from sheetport.storage import identity
from sheetport.storage.unit_of_work import UnitOfWork

_RESEALED_AT_ONCE = 500


async def make_key(uow: UnitOfWork, webhook: Webhook) -> SigningKey:
    """A new current key. Its secret is shown to whoever asked for it and never again."""
    await identity.require_current_kek(uow)
    made, key_id = SigningKey.generate(), new_id("whk", webhook.environment_id)
    sealed = uow.keys.seal_data_key(made.raw, *_context(webhook.environment_id, webhook.id, key_id))
    key = WebhookKey(webhook.environment_id, webhook.id, key_id, sealed, made.public_key, uow.now)
    await store.insert_key(uow, key)
    return made


async def open_keys(uow: UnitOfWork, webhook: Webhook) -> list[SigningKey]:
    """The keys that sign now, the current one first. Raises Unavailable when one does not open."""
    try:
        return [
            SigningKey(uow.keys.open_data_key(each.sealed, *_context(each.environment_id, each.webhook_id, each.id)))
            for each in await store.list_live_keys(uow, webhook)
        ]
    except DecryptionError:
        raise Unavailable("The webhook's key does not open: rotate it with no overlap.", "webhookId") from None


async def sweep_keys(uow: UnitOfWork) -> int:
    """Delete the keys whose overlap is over; how many."""
    return await store.delete_ended_keys(uow)


async def reseal_keys(uow: UnitOfWork) -> int:
    """Seal keys that are not under the current key-encryption key under it; how many. For key rotation.

    One that was altered opens under no key and is left as it is.
    """
    done = 0
    for each in await store.list_sealed_otherwise(uow, uow.keys.current_kek, _RESEALED_AT_ONCE):
        with suppress(DecryptionError):
            context = _context(each.environment_id, each.webhook_id, each.id)
            await store.reseal(uow, each, uow.keys.rewrap_data_key(each.sealed, *context))
            done += 1
    return done


def _context(environment_id: str, webhook_id: str, key_id: str) -> tuple[str, ...]:
    """What a key is bound to, so that it opens in no other row."""
    return "webhook", environment_id, webhook_id, key_id
