"""What guests do, by file: ``guests`` (making, reading, changing and removing them), ``rules`` (who may, and what may
be said), ``accesses`` (into and out of spaces), ``holding`` (roles), ``entry`` (tokens and the links that lead to
them), ``invitations``, ``exchange`` (a link, a token or an address for a fresh token), ``anonymous`` (those of a shared
link and of pages)."""

from sheetport.features.guests.service.anonymous import forget_guests, know_external
from sheetport.features.guests.service.entry import get_token
from sheetport.features.guests.service.exchange import answer_requests, exchange, is_any_asked
from sheetport.features.guests.service.guests import (
    create_guests,
    delete_guest,
    end_tokens,
    get_guest,
    list_guests,
    update_guest,
)
from sheetport.features.guests.service.holding import assign_guest_role, list_guest_roles, remove_guest_role
from sheetport.features.guests.service.invitations import invite

__all__ = [
    "answer_requests",
    "assign_guest_role",
    "create_guests",
    "delete_guest",
    "end_tokens",
    "exchange",
    "forget_guests",
    "get_guest",
    "get_token",
    "invite",
    "is_any_asked",
    "know_external",
    "list_guest_roles",
    "list_guests",
    "remove_guest_role",
    "update_guest",
]
