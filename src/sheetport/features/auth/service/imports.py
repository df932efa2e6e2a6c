"""Keys and tokens of another server, taken as they stand, so that programs go on unchanged.

Only the fingerprint is kept. Whoever served them before may know them still, so each says by when to rotate it.
"""

from __future__ import annotations

from sheetport.features.auth import store
from sheetport.features.auth.model import ID_WORDS, IMPORT_LIFE, IMPORTED, Credential, CredentialKind
from sheetport.features.auth.service.mint import given_name, keep
from sheetport.features.auth.service.policy import chosen_end
from sheetport.features.places import service as places
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Conflict, Invalid
from sheetport.kernel.ids import new_id
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

MIN_TOKEN, MAX_TOKEN = 16, 500
#: Tokens of ours that have no row are known by these.
_DERIVED = ("spt_", "sst_", "gst_", "gel_", "glk_")
_BY_PREFIX = {
    "sk_": CredentialKind.SECRET_KEY,
    "pk_": CredentialKind.PUBLISHABLE_KEY,
    "pat_": CredentialKind.PERSONAL,
}
_NAMES = {
    CredentialKind.SECRET_KEY: "Imported secret key",
    CredentialKind.PUBLISHABLE_KEY: "Imported publishable key",
    CredentialKind.PERSONAL: "Imported personal access token",
}


async def import_credential(
    uow: UnitOfWork,
    actor: Actor,
    token: str,
    *,
    kind: CredentialKind | None = None,
    environment_id: str | None = None,
    name: str | None = None,
    rotate_by: int | None = None,
    max_age_days: int | None = None,
) -> Credential:
    """Accept ``token`` from now on: a key of ``environment_id``, or a personal access token of the caller.

    Its kind is told by its prefix unless ``kind`` says. It is due to be rotated at ``rotate_by``, by default in 30
    days. Raises Invalid, NotFound, and Conflict for one that is known here already.
    """
    _require_token(token)
    kind = kind or _kind(token)
    is_key = kind is not CredentialKind.PERSONAL
    actor = require(actor, Permission.API_KEY_WRITE if is_key else Permission.TOKEN_WRITE)
    if is_key == (environment_id is None):
        message = "A key is of an environment: give environmentId." if is_key else "A token is of no environment."
        raise Invalid(message, "environmentId")
    if environment_id is not None:
        await places.get_place(uow, actor, environment_id, "env")
    fingerprint = uow.keys.fingerprint(token)
    if await store.find_for_verification(uow, fingerprint) is not None:
        raise Conflict("This server knows this token already; nothing was imported.", "token")
    owner = environment_id or actor.account_id
    credential = Credential(
        id=new_id(ID_WORDS[kind], owner),
        kind=kind,
        account_id=actor.account_id,
        name=given_name(name or _NAMES[kind]),
        masked=f"{_prefix(token)}…{token[-4:]}",
        created_at=uow.now,
        updated_at=uow.now,
        environment_id=environment_id,
        user_id=None if is_key else actor.id,
        origin=IMPORTED,
        readable=token if kind is CredentialKind.PUBLISHABLE_KEY else None,
        expires_at=await chosen_end(uow, actor.account_id, max_age_days, None),
        created_by=actor.id,
        rotate_by=_date(uow, rotate_by),
    )
    await keep(uow, actor, credential, token, f"{kind.value}:import")
    return credential


def _kind(token: str) -> CredentialKind:
    for prefix, kind in _BY_PREFIX.items():
        if token.startswith(prefix):
            return kind
    raise Invalid("Say the type: this token begins with none of sk_, pk_ and pat_.", "type")


def _prefix(token: str) -> str:
    """What may be shown of a token of any shape: only the words that tell its kind."""
    return next((prefix for prefix in _BY_PREFIX if token.startswith(prefix)), "")


def _require_token(token: str) -> None:
    if not MIN_TOKEN <= len(token) <= MAX_TOKEN:
        raise Invalid(f"token must have {MIN_TOKEN} to {MAX_TOKEN} characters.", "token")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise Invalid("token must be one word of printable ASCII characters.", "token")
    if token.startswith(_DERIVED):
        raise Invalid(f"token may not begin with {', '.join(_DERIVED)}: these are this server's own.", "token")


def _date(uow: UnitOfWork, rotate_by: int | None) -> int:
    if rotate_by is not None and rotate_by <= uow.now:
        raise Invalid("rotateBy must be in the future.", "rotateBy")
    return rotate_by or uow.now + IMPORT_LIFE
