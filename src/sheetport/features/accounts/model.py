"""An account: the company that runs imports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    name: str
    created_at: int
    updated_at: int
    subdomain: str | None = None
    default_app_id: str | None = None
    #: The origins of the pages that may frame its spaces' pages, none when there are none.
    embedded_domains: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    auth_generation: int = 0
    #: How many days old its keys may become; None is the server's setting.
    key_max_age_days: int | None = None
