"""Wire shapes of accounts."""

from __future__ import annotations

from typing import Any

from sheetport.features.accounts.model import Account
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso


class AccountPatch(Wire):
    """``embedded_domain_whitelist`` is the whole list from now on; an empty one lets no page frame the spaces."""

    name: str | None = None
    default_app_id: str | None = None
    embedded_domain_whitelist: list[str] | None = None


class AccountShape(Wire):
    id: str
    name: str
    metadata: dict[str, Any]
    created_at: str
    updated_at: str
    subdomain: str | None = None
    embedded_domain_whitelist: list[str] | None = None
    default_app_id: str | None = None


def to_shape(account: Account) -> AccountShape:
    return AccountShape(
        id=account.id,
        name=account.name,
        metadata=account.metadata,
        created_at=iso(account.created_at),
        updated_at=iso(account.updated_at),
        subdomain=account.subdomain,
        embedded_domain_whitelist=account.embedded_domains,
        default_app_id=account.default_app_id,
    )
