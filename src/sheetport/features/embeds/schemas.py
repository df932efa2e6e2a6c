"""Wire shapes of the embedded start of a space."""

from __future__ import annotations

from typing import Any

import msgspec

from sheetport.features.documents import schemas as documents
from sheetport.features.embeds.service import Embed, Wanted
from sheetport.features.environments import schemas as environments
from sheetport.features.spaces import schemas as spaces
from sheetport.features.workbooks import schemas as workbooks
from sheetport.http.checking import members
from sheetport.http.wire import Wire
from sheetport.kernel.errors import Invalid
from sheetport.kernel.json import loads

DEFAULT_WORKBOOK_NAME = "Embedded workbook"


class InitBody(Wire):
    """``externalActorId`` is the customer's own name of the user on its page."""

    space: dict[str, Any]
    workbook: dict[str, Any] | None = None
    document: dict[str, Any] | None = None
    external_actor_id: str | None = None


class InitActor(Wire):
    """Whom the space's token speaks for."""

    id: str
    type: str
    external_id: str | None = None


class InitShape(Wire):
    space: spaces.SpaceShape
    workbooks: list[workbooks.WorkbookShape]
    documents: list[documents.DocumentShape]
    actor: InitActor
    entitlements: list[dict[str, Any]]
    environment: environments.EnvironmentShape


def parse_init(raw: bytes) -> Wanted:
    """The JSON body, sent as text so that a browser asks nothing first."""
    try:
        body = members(InitBody, loads(raw))
    except msgspec.DecodeError as fault:
        raise Invalid(f"The body is not the JSON this route takes: {fault}", "body") from None
    document = documents.parse_document(body["document"], "document") if "document" in body else None
    workbook = body.get("workbook")
    if workbook is not None:
        named = {**workbook, "name": workbook.get("name") or DEFAULT_WORKBOOK_NAME}
        workbook = workbooks.parse_new_workbook(named, "workbook")
    return Wanted(spaces.parse_space(body["space"], "space"), workbook, document, body.get("external_actor_id"))


def to_shape(embed: Embed, base_url: str) -> InitShape:
    space = embed.space
    return InitShape(
        space=spaces.to_shape(space, base_url),
        workbooks=[workbooks.to_shape(workbook) for workbook in embed.workbooks],
        documents=[documents.to_shape(document) for document in embed.documents],
        actor=_actor(embed),
        entitlements=[],
        environment=environments.to_shape(embed.environment),
    )


def _actor(embed: Embed) -> InitActor:
    """The guest whom the page named, else nobody but the space."""
    if embed.guest is None:
        return InitActor(id=embed.space.id, type="space")
    return InitActor(id=embed.guest.id, type="guest", external_id=embed.guest.external_id)
