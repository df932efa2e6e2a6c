"""What set-up makes."""

from __future__ import annotations

from dataclasses import dataclass, field

from sheetport.features.accounts.model import Account
from sheetport.features.auth.model import Credential
from sheetport.features.environments.model import Environment
from sheetport.features.users.model import User
from sheetport.kernel.clock import MINUTE

LINK_LIFETIME = 30 * MINUTE


@dataclass(frozen=True, slots=True)
class FreshEnvironment:
    """A new environment with its keys, which are shown once."""

    environment: Environment
    secret_token: str = field(repr=False)
    publishable_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SetupResult:
    """A new account with its administrator and environments, development first."""

    account: Account
    user: User
    environments: list[FreshEnvironment]


@dataclass(frozen=True, slots=True)
class SetupLink:
    """A one-time right to choose a user's password; its token is not in it."""

    id: str
    account_id: str
    user_id: str
    expires_at: int
    used_at: int | None = None


@dataclass(frozen=True, slots=True)
class Lasting:
    """A credential that a restore has brought back, for somebody to look at; ``environment`` is its name."""

    account: str
    environment: str | None
    credential: Credential
