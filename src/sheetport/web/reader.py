"""What the first page tells its reader: where the server is, the account's ids, and the guide with them in it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from sheetport.config import Settings
from sheetport.features.accounts import service as accounts
from sheetport.features.environments import service as environments
from sheetport.features.spaces import service as spaces
from sheetport.features.spaces.model import SpaceFilter
from sheetport.features.users import service as users
from sheetport.kernel.actor import Actor
from sheetport.kernel.json import dumps
from sheetport.kernel.paging import Page
from sheetport.storage.unit_of_work import UnitOfWork
from sheetport.web.cookies import AnyRequest
from sheetport.web.guide import BEFORE, fill, filled

_HOST = re.compile(r"[A-Za-z0-9.\-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?")


def address_of(request: AnyRequest) -> str:
    """Where the reader reaches this server, without a trailing slash: the setting, else what the browser asked for."""
    http = request.app.state.settings.http
    host = request.headers.get("host", "")
    if http.public_url or not _HOST.fullmatch(host):
        return str(http.base_url)
    return f"{request.url.scheme}://{host}"


def place_of(settings: Settings) -> str:
    """Where data lies, without credentials."""
    url = settings.storage.database_url
    if url is None:
        return str(settings.storage.data.resolve())
    parts = urlsplit(url)
    where = parts.hostname or "this machine"
    return f"PostgreSQL on {where}{f':{parts.port}' if parts.port else ''}, database {parts.path.lstrip('/')}"


async def read_first_page(uow: UnitOfWork, actor: Actor, address: str) -> dict[str, Any]:
    """The first page's values. Needs a reader who is signed in."""
    found_environments = (await environments.list_environments(uow, actor, Page(1, 100))).items
    listed = sorted(found_environments, key=lambda each: (each.is_prod, each.created_at))
    user = await users.get_user(uow, actor, actor.id)
    development = next((each.id for each in listed if not each.is_prod), None)
    found = []
    if development is not None:
        found = (await spaces.list_spaces(uow, actor, SpaceFilter(environment_id=development), Page(1, 1))).items
    words = {
        "URL": address,
        "HOST": address.removeprefix("http://"),
        "DEV": development or "us_env_your_environment_id",
        "PROD": next((each.id for each in listed if each.is_prod), "us_env_prod_your_prod_id"),
        "EMAIL": dumps(user.email)[1:-1],
        "SPACE": found[0].id if found else "us_spa_specific_space",
    }
    return {
        "account": await accounts.get_current_account(uow, actor),
        "address": address,
        "before": fill(BEFORE, words, "curl"),
        "environments": listed,
        "steps": filled(words),
        "user": user,
    }
