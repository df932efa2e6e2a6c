"""What set-up makes."""

from __future__ import annotations

from dataclasses import dataclass, field

from sheetport.features.accounts.model import Account
from sheetport.features.auth.model import Credential
from sheetport.features.environments.model import Environment
from sheetport.features.users.model import User


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
class Lasting:
    """A credential that a restore has brought back, for somebody to look at; ``environment`` is its name."""

    account: str
    environment: str | None
    credential: Credential
