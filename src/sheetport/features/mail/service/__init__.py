"""What mail does, by file: ``outbox`` (into the database and out of it), ``rendering`` (a template's text and HTML),
``composing`` (the message that is sent)."""

from sheetport.features.mail.service.composing import ascii_domain, compose
from sheetport.features.mail.service.outbox import (
    claim_mail,
    configured,
    enqueue,
    give_up,
    is_any_due,
    list_mails,
    mark_sent,
    postpone,
    release_mails,
    reseal_mails,
    retry_mails,
)
from sheetport.features.mail.service.rendering import render

__all__ = [
    "ascii_domain",
    "claim_mail",
    "compose",
    "configured",
    "enqueue",
    "give_up",
    "is_any_due",
    "list_mails",
    "mark_sent",
    "postpone",
    "release_mails",
    "render",
    "reseal_mails",
    "retry_mails",
]
