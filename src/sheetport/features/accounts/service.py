"""Accounts, and the generation by which verified callers are forgotten."""

from __future__ import annotations

from sheetport.features.accounts import store
from sheetport.features.accounts.model import Account
from sheetport.features.audit import service as audit
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid, NotFound
from sheetport.kernel.ids import new_root_id
from sheetport.kernel.origins import parse_origin
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

#: Days, ten years.
MAX_KEY_AGE = 3_650
EMBED_LIST = "embeddedDomainWhitelist"
#: They stand in a header of each page: proxies take headers of 8 KiB.
MAX_EMBED_ORIGINS = 25


async def create_account(uow: UnitOfWork, name: str) -> Account:
    """A new, empty account. Called by set-up only, which checks who may."""
    account = Account(new_root_id("acc"), _name(name), uow.now, uow.now)
    await store.insert_account(uow, account)
    return account


async def list_accounts(uow: UnitOfWork) -> list[Account]:
    """Every account of this server, oldest first, for commands on its machine."""
    return await store.list_accounts(uow)


async def get_current_account(uow: UnitOfWork, actor: Actor) -> Account:
    """The caller's account."""
    actor = require(actor, Permission.ACCOUNT_READ)
    account = await store.find_account(uow, actor.account_id)
    if account is None:
        raise NotFound("This account does not exist any more.", "accountId")
    return account


async def update_current_account(
    uow: UnitOfWork,
    actor: Actor,
    name: str | None = None,
    default_app_id: str | None = None,
    embedded_domains: list[str] | None = None,
) -> Account:
    """Rename the account, choose its landing app, or say which origins may frame its spaces' pages; what is None
    stays. Raises Invalid."""
    actor = require(actor, Permission.ACCOUNT_WRITE)
    before = await get_current_account(uow, actor)
    new_name = before.name if name is None else _name(name)
    await store.update_account(uow, before.id, new_name, default_app_id or before.default_app_id)
    changed: dict[str, list[str]] = {}
    if embedded_domains is not None:
        changed["embedded_domains"] = _framing_origins(embedded_domains)
        await store.set_embedded_domains(uow, before.id, changed["embedded_domains"])
    await audit.record(uow, actor, "account:update", before.id, environment_id=None, **changed)
    return await get_current_account(uow, actor)


async def list_framing_origins(uow: UnitOfWork, account_id: str) -> list[str]:
    """The origins whose pages may frame the account's spaces. For what is shown to anybody."""
    account = await store.find_account(uow, account_id)
    return [] if account is None else account.embedded_domains


async def set_default_app(uow: UnitOfWork, account_id: str, app_id: str) -> None:
    """Choose the landing app of an account that has none; called by the app's own slice."""
    account = await store.find_account(uow, account_id)
    if account is not None and account.default_app_id is None:
        await store.update_account(uow, account_id, account.name, app_id)


async def find_key_max_age(uow: UnitOfWork, account_id: str) -> int | None:
    """How many days old the account's keys may become; 0 is any age, None is the server's setting."""
    account = await store.find_account(uow, account_id)
    return None if account is None else account.key_max_age_days


async def set_key_max_age(uow: UnitOfWork, actor: Actor, days: int | None) -> None:
    """Say how many days old the account's keys may become: 1 to 3650, 0 for any age, None for the server's setting.

    Keys that are there stay as they are; those that are older are listed as due. Raises Invalid.
    """
    actor = require(actor, Permission.ACCOUNT_WRITE)
    if days is not None and not 0 <= days <= MAX_KEY_AGE:
        raise Invalid(f"maxAgeDays must be from 1 to {MAX_KEY_AGE}, or 0 for any age.", "maxAgeDays")
    await store.set_key_max_age(uow, actor.account_id, days)
    await audit.record(uow, actor, "account:key-max-age", actor.account_id, days=days)


async def bump_generation(uow: UnitOfWork, account_id: str) -> None:
    """Have every process forget the account's verified callers before this unit of work is answered.

    Call it from whatever revokes, disables or narrows a caller.
    """
    await store.bump_generation(uow, account_id)
    uow.bumped.add(account_id)


def _framing_origins(origins: list[str]) -> list[str]:
    """The origins as a page's policy names them, each once. Raises Invalid."""
    wanted = list(dict.fromkeys(parse_origin(origin, EMBED_LIST) for origin in origins))
    if len(wanted) > MAX_EMBED_ORIGINS:
        message = f"{EMBED_LIST} takes at most {MAX_EMBED_ORIGINS} origins; https://*.example.com covers many."
        raise Invalid(message, EMBED_LIST)
    if any("[" in origin for origin in wanted):
        raise Invalid(f"{EMBED_LIST}: browsers let no page be framed by an IPv6 address; use a host name.", EMBED_LIST)
    return wanted


def _name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 255:
        raise Invalid("name must have 1 to 255 characters.", "name")
    return name
