"""Where an id belongs, and whether the caller may know of it."""

from __future__ import annotations

from sheetport.features.places import store
from sheetport.features.places.model import Place
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Forbidden, NotFound
from sheetport.kernel.permissions import lack
from sheetport.storage.unit_of_work import UnitOfWork

NOUNS = {
    "ag": ("agent", "agentId"),
    "env": ("environment", "environmentId"),
    "sp": ("space", "spaceId"),
    "wb": ("workbook", "workbookId"),
    "sh": ("sheet", "sheetId"),
    "jb": ("job", "jobId"),
    "fl": ("file", "fileId"),
    "dc": ("document", "documentId"),
    "act": ("action", "actionId"),
    "vr": ("version", "versionId"),
    "sec": ("secret", "secretId"),
    "wh": ("webhook", "webhookId"),
}


#: What other things lie in: whoever is granted something may see what holds it.
_HOLDERS = frozenset({"env", "sp", "wb", "sh"})


async def find_place(uow: UnitOfWork, actor: Actor, place_id: str, *, around: bool = False) -> Place | None:
    """The live place of an id, or None when it is absent or not the caller's to know of.

    Raises Forbidden when the caller may know of it, but lacks what the present call needs there. ``around`` is for
    calls that read: they see what holds a thing of the caller's, too.
    """
    place = await store.find_place(uow, place_id)
    return place if place is not None and is_reached(actor, place, around=around) else None


async def get_place(uow: UnitOfWork, actor: Actor, place_id: str, kind: str, *, around: bool = False) -> Place:
    """The live place of an id of ``kind``. Raises NotFound, the same for absent and for not the caller's, and
    Forbidden as :func:`find_place` does."""
    place = await store.find_place(uow, place_id)
    if place is None or place.kind != kind or not is_reached(actor, place, around=around):
        raise not_found(place_id, kind)
    return place


def is_reached(actor: Actor, place: Place, *, around: bool = False) -> bool:
    """Whether the present call may be about a place; False when the caller may not even know of it.

    Raises Forbidden when it may know, but not this.
    """
    if _is_reached(actor, place, around=around):
        return True
    if actor.required and _is_reached(actor.at_large(), place, around=True):
        raise Forbidden(lack(actor, min(actor.required)), "permission")
    return False


def _is_reached(actor: Actor, place: Place, *, around: bool) -> bool:
    asked = actor.sees if around and place.kind in _HOLDERS else actor.reaches
    return asked(place.account_id, *place.path)


def not_found(thing_id: str, kind: str) -> NotFound:
    """The refusal for an id that is absent or not the caller's to know of."""
    noun, key = NOUNS.get(kind, (kind, "id"))
    return NotFound(f"There is no {noun} {thing_id[:60]!r} that this token can reach.", key)


async def add_place(uow: UnitOfWork, place: Place) -> None:
    """Record where a new id belongs."""
    await store.insert_place(uow, place)


async def add_places(uow: UnitOfWork, made: list[Place]) -> None:
    """:func:`add_place` for many."""
    await store.insert_places(uow, made)


async def rename_place(uow: UnitOfWork, place: Place, slug: str | None, namespace: str | None) -> None:
    """Change a place's slug and namespace."""
    await store.rename_place(uow, place, slug, namespace)


async def delete_place(uow: UnitOfWork, place: Place) -> None:
    """Soft-delete a place and everything that lies in it: from now on all of it is not found."""
    await store.delete_inside(uow, place)
