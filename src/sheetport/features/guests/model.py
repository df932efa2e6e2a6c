"""A guest of an environment, and the spaces they are let into."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sheetport.kernel.clock import DAY, MINUTE, SECOND

#: The two ways in; a space's list, else its environment's, says which are open.
MAGIC_LINK, SHARED_LINK = "magic_link", "shared_link"
#: How long a link that signs in holds: one that was mailed, and one that an administrator hands over.
LOGIN_LIFETIME, HANDED_LIFETIME = 15 * MINUTE, 7 * DAY
#: A guest is mailed at most one sign-in link of a space in this time, however often it is asked for.
MAIL_PAUSE = 60 * SECOND
#: An anonymous guest who has not been seen for so long is forgotten.
ANONYMOUS_KEPT = DAY
#: What an anonymous guest is called.
ANONYMOUS_NAME = "Guest"


class LinkKind(StrEnum):
    LOGIN = "login"
    HANDED = "handed"


@dataclass(frozen=True, slots=True)
class Part:
    """A workbook of a space, or one sheet of it."""

    workbook_id: str
    sheet_id: str | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """That a guest is let into a space: all of it, or the ``parts``. ``created_at`` tells it from an earlier one."""

    space_id: str
    created_at: int
    parts: tuple[Part, ...] | None = None
    last_accessed_at: int | None = None
    mailed_at: int | None = None


@dataclass(frozen=True, slots=True)
class Guest:
    """``email`` is empty for an anonymous guest, and for one whom only a customer's page knows (``external_id``)."""

    environment_id: str
    id: str
    account_id: str
    name: str
    created_at: int
    updated_at: int
    email: str = ""
    external_id: str | None = None
    is_anonymous: bool = False
    token_generation: int = 0
    spaces: tuple[Access, ...] = ()

    def access_to(self, space_id: str) -> Access | None:
        return next((access for access in self.spaces if access.space_id == space_id), None)


@dataclass(frozen=True, slots=True)
class AccessDraft:
    """What a request says of a space; without workbooks and sheets it is all of the space."""

    space_id: str
    workbook_ids: tuple[str, ...] | None = None
    sheet_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class GuestDraft:
    environment_id: str
    email: str
    name: str
    spaces: tuple[AccessDraft, ...]


@dataclass(frozen=True, slots=True)
class GuestChange:
    """What an update names; None stays as it is. ``spaces`` are all that the guest shall have afterwards."""

    environment_id: str | None = None
    email: str | None = None
    name: str | None = None
    spaces: tuple[AccessDraft, ...] | None = None


@dataclass(frozen=True, slots=True)
class Invite:
    guest_id: str
    space_id: str
    from_name: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class HandedLink:
    """A link for whoever invited to hand over, since no mail goes out."""

    guest_id: str
    space_id: str
    link: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Link:
    """A stored link; its token is not in it."""

    environment_id: str
    id: str
    guest_id: str
    space_id: str
    kind: LinkKind
    expires_at: int
    used_at: int | None = None


@dataclass(frozen=True, slots=True)
class Exchanged:
    """``token`` is a fresh one, if what was sent holds; ``sent_to`` the address that a sign-in link went to."""

    valid: bool
    token: str | None = field(default=None, repr=False)
    sent_to: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Door:
    """What decides who gets into a space, and what its mails call it."""

    environment_id: str
    account_id: str
    space_id: str
    name: str
    ways: frozenset[str]
    guests_invite: bool
    is_open: bool
