"""One attempt: a signed message is posted, and its answer becomes an outcome that may be kept and shown."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime

from sheetport.features.egress.model import Answer, EgressFailed, EgressRefused
from sheetport.features.egress.service import KeptCalls
from sheetport.features.webhooks.model import MAX_ANSWER, Outcome, Webhook
from sheetport.kernel.clock import SECOND, Clock
from sheetport.kernel.standard_webhooks import SigningKey, signed_headers
from sheetport.kernel.token_scan import find_tokens

ATTEMPT_SECONDS = 15.0
#: So much of an answer is read, bytes.
_READ = 4_096
#: What may be a secret that a receiver says back: a long run without a space.
_LONG_RUN = re.compile(r"[A-Za-z0-9+/_=.~-]{20,}")


async def send_message(
    calls: KeptCalls,
    clock: Clock,
    webhook: Webhook,
    keys: list[SigningKey],
    message_id: str,
    body: bytes,
    attempts: int = 0,
) -> Outcome:
    """Post a message. Whatever becomes of it is the outcome: only a fault of our own raises."""
    began = time.monotonic()
    headers = {"content-type": "application/json", **signed_headers(keys, message_id, clock.now() // SECOND, body)}
    answer, error = None, None
    try:
        answer = await calls.post(
            webhook.url,
            account_id=webhook.account_id,
            environment_id=webhook.environment_id,
            headers=headers,
            content=body,
            seconds=ATTEMPT_SECONDS,
            limit=_READ,
        )
        error = None if 200 <= answer.status < 300 else _why(answer)
    except (EgressRefused, EgressFailed) as refused:
        error = refused.message
    return Outcome(
        message_id,
        attempts,
        clock.now(),
        round((time.monotonic() - began) * SECOND),
        None if answer is None else answer.status,
        error,
        None if answer is None else shown(answer.body),
        None if answer is None else retry_after(answer, clock.now()),
    )


def shown(body: bytes) -> str | None:
    """The beginning of an answer, in one line, with everything masked that might be a secret."""
    for each in find_tokens(body):
        body = body.replace(each.token.encode(), each.masked.encode())
    text = body.decode("utf-8", "replace")
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return _LONG_RUN.sub(lambda found: f"{found[0][:4]}…", text)[:MAX_ANSWER] or None


def retry_after(answer: Answer, now: int) -> int | None:
    """For how long a receiver that took nothing asks to be left alone, milliseconds."""
    text = answer.headers.get("retry-after", "").strip()
    if not text or 200 <= answer.status < 300:
        return None
    if text.isascii() and text.isdigit():
        return int(text[:9]) * SECOND
    try:
        return max(0, int(parsedate_to_datetime(text).timestamp() * SECOND) - now)
    except (ValueError, OverflowError):
        return None


def _why(answer: Answer) -> str:
    if 300 <= answer.status < 400:
        return f"The receiver answered {answer.status}; redirects are not followed. Give the webhook the new URL."
    return f"The receiver answered {answer.status}; only 2xx says that an event was taken."
