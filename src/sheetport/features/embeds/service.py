"""A space for a customer's page, in one transaction: whoever holds a publishable key may begin one."""

from __future__ import annotations

from dataclasses import dataclass

from sheetport.config import QuotaSettings
from sheetport.features.accounts import service as accounts
from sheetport.features.documents import service as documents
from sheetport.features.documents.model import Document, DocumentChange
from sheetport.features.environments import service as environments
from sheetport.features.environments.model import Environment
from sheetport.features.guests import service as guests
from sheetport.features.guests.model import Guest
from sheetport.features.spaces import service as spaces
from sheetport.features.spaces.model import Space, SpaceChange
from sheetport.features.workbooks import service as workbooks
from sheetport.features.workbooks.model import Workbook, WorkbookChange
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a page asks for. ``external_actor_id`` is the customer's own name of the user on its page."""

    space: SpaceChange
    workbook: WorkbookChange | None = None
    document: DocumentChange | None = None
    external_actor_id: str | None = None


@dataclass(frozen=True, slots=True)
class Embed:
    """What a page needs to show a new space."""

    space: Space
    workbooks: list[Workbook]
    documents: list[Document]
    environment: Environment
    #: Whom the page's ``external_actor_id`` names, the same guest with every space begun for them.
    guest: Guest | None = None


async def list_framing_origins(uow: UnitOfWork, space_id: str) -> list[str]:
    """The origins whose pages may frame a space's page: none for a space that is not there."""
    account_id = await spaces.find_account_id(uow, space_id)
    return [] if account_id is None else await accounts.list_framing_origins(uow, account_id)


async def init_space(uow: UnitOfWork, actor: Actor, wanted: Wanted, limits: QuotaSettings) -> Embed:
    """A new space with its token and, if they are described, its workbook and its document. Raises TooMany."""
    actor = require(actor, Permission.SPACE_INIT)
    space = await spaces.create_space(uow, actor, wanted.space, wanted.external_actor_id, limits=limits)
    books = [await workbooks.add_workbook(uow, actor, space.place, wanted.workbook)] if wanted.workbook else []
    pages = [await documents.add_document(uow, actor, space.place, wanted.document)] if wanted.document else []
    guest = None
    if wanted.external_actor_id is not None:
        guest = await guests.know_external(uow, actor, space.environment_id, space.id, wanted.external_actor_id)
    server = system_actor(space.account_id, space.environment_id)
    return Embed(space, books, pages, await environments.get_environment(uow, server, space.environment_id), guest)
