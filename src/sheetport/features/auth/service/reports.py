"""What keys, tokens and client credentials there are and were, and which are due to be rotated."""

from __future__ import annotations

from sheetport.features.accounts import service as accounts
from sheetport.features.auth.model import Credential, CredentialFilter, CredentialKind
from sheetport.features.auth.service.policy import max_age
from sheetport.features.auth.store import reports
from sheetport.features.auth.store.reports import Reached
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.clock import DAY
from sheetport.kernel.errors import Invalid
from sheetport.kernel.paging import Page, Paged
from sheetport.kernel.permissions import Permission, may, require
from sheetport.storage.unit_of_work import UnitOfWork

STATES = ("live", "ended", "all")
DEFAULT_AGE = 90 * DAY
_MAX_DAYS = 36_500
_KINDS = tuple(kind.value for kind in CredentialKind if kind not in {CredentialKind.ACCESS, CredentialKind.NARROWED})


async def list_credentials(uow: UnitOfWork, actor: Actor, wanted: CredentialFilter, page: Page) -> Paged[Credential]:
    """The keys of the environments that the caller reaches, their own tokens and client credentials, and those of all
    users for whoever may read users; oldest first. Raises Invalid."""
    reading_keys = may(actor, Permission.API_KEY_READ)
    actor = require(actor, Permission.API_KEY_READ if reading_keys else Permission.TOKEN_READ)
    if wanted.state not in STATES:
        raise Invalid(f"state must be one of {', '.join(STATES)}.", "state")
    if wanted.kind not in {None, *_KINDS}:
        raise Invalid(f"kind must be one of {', '.join(_KINDS)}.", "kind")
    for name, days in (("idleDays", wanted.idle_days), ("expiringDays", wanted.expiring_days)):
        if days is not None:
            require_days(days, name)
    reached = Reached(
        actor.account_id,
        _environments(actor) if reading_keys else (),
        None if may(actor.at_large(), Permission.USER_READ) else _self(actor),
    )
    items, total = await reports.list_credentials(uow, reached, wanted, page)
    return Paged(items, page, total)


async def list_due(
    uow: UnitOfWork, actor: Actor, older_than_days: int | None, max_age_days: int | None, page: Page
) -> Paged[Credential]:
    """Those of :func:`list_credentials` that are to be rotated: older than that many days, by default than the account
    or the server (``max_age_days``) lets keys become, else than 90; and imported ones whose time is over."""
    if older_than_days is not None:
        age = require_days(older_than_days, "olderThanDays") * DAY
    else:
        age = await max_age(uow, actor.account_id, max_age_days) or DEFAULT_AGE
    return await list_credentials(uow, actor, CredentialFilter(made_before=uow.now - age), page)


async def get_key_max_age(uow: UnitOfWork, actor: Actor) -> int | None:
    """How many days old the account's keys may become: 0 is any age, None the server's setting."""
    actor = require(actor, Permission.ACCOUNT_READ)
    return await accounts.find_key_max_age(uow, actor.account_id)


def require_days(days: int, name: str) -> int:
    """The number, if it is one of days. Raises Invalid."""
    if not 0 <= days <= _MAX_DAYS:
        raise Invalid(f"{name} must be a number of days from 0 to {_MAX_DAYS}.", name)
    return days


def _environments(actor: Actor) -> tuple[str, ...] | None:
    """The environments whose keys the caller may read; None is all of the account's."""
    if actor.environment_id is not None:
        return (actor.environment_id,)
    if actor.grants is None:
        return None
    granted = [grant for grant in actor.grants if Permission.API_KEY_READ in grant.permissions]
    if any(grant.environment_id is None for grant in granted):
        return None
    return tuple({str(grant.environment_id) for grant in granted if grant.space_id is None})


def _self(actor: Actor) -> tuple[str, ...]:
    return (actor.id,) if actor.kind is ActorKind.USER else ()
