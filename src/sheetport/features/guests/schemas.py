"""Wire shapes of guests and invitations. The reprs of those that hold a token or a link show nothing of it."""

from __future__ import annotations

from typing import Any

from sheetport.features.guests.model import Access, AccessDraft, Exchanged, Guest, GuestChange, GuestDraft, HandedLink
from sheetport.features.guests.model import Invite as Invitation
from sheetport.http.checking import checked, members
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso, iso_or_none


class GuestWorkbook(Wire):
    id: str


class GuestSheet(Wire):
    id: str


class GuestSpace(Wire):
    """``workbooks`` and ``sheets`` are left out when it is all of the space."""

    id: str
    workbooks: list[GuestWorkbook] | None = None
    sheets: list[GuestSheet] | None = None
    last_accessed: str | None = None


class GuestConfig(Wire):
    environment_id: str
    email: str
    name: str
    spaces: list[GuestSpace]


class GuestConfigUpdate(Wire):
    environment_id: str | None = None
    email: str | None = None
    name: str | None = None
    spaces: list[GuestSpace] | None = None


class GuestShape(Wire):
    id: str
    environment_id: str
    email: str
    name: str
    spaces: list[GuestSpace]
    created_at: str
    updated_at: str


class GuestToken(Wire):
    token: str
    valid: bool

    def __repr__(self) -> str:
        return "GuestToken()"


class Invite(Wire):
    guest_id: str
    space_id: str
    from_name: str | None = None
    message: str | None = None


class InvitationLink(Wire):
    guest_id: str
    space_id: str
    link: str

    def __repr__(self) -> str:
        return f"InvitationLink(guest_id={self.guest_id!r})"


class InvitedFlag(Wire):
    """``links`` is there when this server sends no mail: each is good once, for seven days; hand it over."""

    success: bool
    links: list[InvitationLink] | None = None


class ExchangeRequest(Wire):
    """A ``token``, or an ``email`` with a ``spaceId``, or the ``spaceId`` of a space that anybody may enter."""

    token: str | None = None
    email: str | None = None
    space_id: str | None = None

    def __repr__(self) -> str:
        return "ExchangeRequest()"


class ExchangeShape(Wire):
    valid: bool
    token: str | None = None
    sent_to: str | None = None

    def __repr__(self) -> str:
        return f"ExchangeShape(valid={self.valid})"


def parse_drafts(body: Any) -> list[GuestDraft]:
    """The guests that the body of a create describes. Raises Invalid."""
    return [
        GuestDraft(each["environmentId"], each["email"], each["name"], tuple(map(_draft, each["spaces"])))
        for each in checked(list[GuestConfig], body, "")
    ]


def parse_change(body: Any) -> GuestChange:
    """What the body of an update names. Raises Invalid."""
    named = members(GuestConfigUpdate, body)
    if "spaces" in named:
        named["spaces"] = tuple(map(_draft, named["spaces"]))
    return GuestChange(**named)


def parse_invites(body: Any) -> list[Invitation]:
    """The invitations of a body. Raises Invalid."""
    return [
        Invitation(each["guestId"], each["spaceId"], each.get("fromName"), each.get("message"))
        for each in checked(list[Invite], body, "")
    ]


def to_shape(guest: Guest) -> GuestShape:
    return GuestShape(
        id=guest.id,
        environment_id=guest.environment_id,
        email=guest.email,
        name=guest.name,
        spaces=[_space(access) for access in guest.spaces],
        created_at=iso(guest.created_at),
        updated_at=iso(guest.updated_at),
    )


def to_invited(links: list[HandedLink]) -> InvitedFlag:
    shown = [InvitationLink(guest_id=each.guest_id, space_id=each.space_id, link=each.link) for each in links]
    return InvitedFlag(success=True, links=shown or None)


def to_exchanged(found: Exchanged) -> ExchangeShape:
    return ExchangeShape(valid=found.valid, token=found.token, sent_to=found.sent_to)


def _draft(space: dict[str, Any]) -> AccessDraft:
    workbooks, sheets = space.get("workbooks"), space.get("sheets")
    return AccessDraft(
        space["id"],
        None if workbooks is None else tuple(each["id"] for each in workbooks),
        None if sheets is None else tuple(each["id"] for each in sheets),
    )


def _space(access: Access) -> GuestSpace:
    parts = access.parts or ()
    return GuestSpace(
        id=access.space_id,
        workbooks=[GuestWorkbook(id=part.workbook_id) for part in parts if part.sheet_id is None] or None,
        sheets=[GuestSheet(id=part.sheet_id) for part in parts if part.sheet_id is not None] or None,
        last_accessed=iso_or_none(access.last_accessed_at),
    )
