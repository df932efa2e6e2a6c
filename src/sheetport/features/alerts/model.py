"""What the mail of each alert says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """The mail's subject, what happened, and what to do."""

    headline: str
    sentence: str
    advice: str


WORDS = {
    "api-key:expiring": Words(
        "A key ends soon",
        "A key or token will soon be refused, since its time is over then.",
        "Rotate it and put the new one in place: sheetport keys rotate, sheetport token rotate or sheetport clients"
        " rotate. If nothing uses it any more, you need not do anything.",
    ),
    "api-key:expired": Words(
        "A key has ended",
        "The time of a key or token is over; it is refused from now on.",
        "If a program still needs one, make a new one for it.",
    ),
    "api-key:idle": Words(
        "A key is not used",
        "Nothing has used a key or token for 90 days.",
        "Revoke it if nobody needs it: what is not there cannot leak.",
    ),
    "api-key:revoked": Words(
        "A key was revoked",
        "A key or token was revoked and is refused from now on.",
        "If you do not know why, ask an administrator; the audit log says who did it.",
    ),
    "api-key:exposed": Words(
        "A key may be in wrong hands",
        "A key or token was seen where it should not be. What descends from it was revoked.",
        "Make a new key for the program that used it, and find out who has the old one.",
    ),
    "agent:paused": Words(
        "An agent was paused",
        "An agent is told of no more events: it set itself off again and again, or its token was revoked.",
        "Look at what it did (sheetport agents executions), deploy a version that leaves alone what it wrote itself,"
        " and let it go on: sheetport agents resume.",
    ),
    "login:new-place": Words(
        "A sign-in from a new place",
        "Somebody signed in as you from a place or a browser that was not seen before.",
        "If it was you, you need not do anything. If not, change your password and end the session at once.",
    ),
    "secret:rotated": Words(
        "A secret was rotated",
        "A secret has a new value; the one before is served no more once its overlap is over.",
        "If you do not know why, ask an administrator; the audit log says who did it.",
    ),
    "secret:rotation-due": Words(
        "A secret is due for rotation",
        "The time after which a secret is to have a new value is over, or will be within a week.",
        "Rotate it: sheetport secrets rotate. The days then begin anew.",
    ),
    "secret:tampered": Words(
        "A secret was altered behind the server's back",
        "A stored secret is not as this server left it: a row was changed, put back or taken away.",
        "Find out who can write to the database, and give the secret a new value: sheetport secrets rotate.",
    ),
    "webhook:disabled": Words(
        "A webhook was disabled",
        "A webhook's receiver is gone, or has taken nothing for days; no events are sent to it any more.",
        "See what it answered (sheetport webhooks deliveries), mend it, and enable the webhook again: sheetport"
        " webhooks update --state enabled. What it missed can be sent then: sheetport webhooks replay.",
    ),
}
#: Whoever does this is not told of it.
OF_OWN_DOING = frozenset({"api-key:revoked", "secret:rotated"})
