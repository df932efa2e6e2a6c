"""Exchanges tokens for narrower ones, ends them, and tells what they are."""

from __future__ import annotations

from sheetport.features.auth import service as auth
from sheetport.features.auth.model import CredentialKind, Narrowing
from sheetport.features.auth.service.actors import MAX_DEPTH, NEVER, depth_of
from sheetport.features.auth.service.recognise import SPACE, recognise
from sheetport.features.auth.service.verify import Known
from sheetport.features.oauth.model import Exchange, Exchanged, OAuthError, Told
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.features.spaces import service as spaces
from sheetport.kernel.actor import Actor, ActorKind, system_actor
from sheetport.kernel.clock import SECOND
from sheetport.kernel.errors import Forbidden
from sheetport.kernel.permissions import Permission, holds, may, narrow
from sheetport.storage.unit_of_work import UnitOfWork

ORIGIN = "token exchange"
_EXCHANGEABLE = frozenset({ActorKind.USER, ActorKind.SECRET_KEY, ActorKind.SPACE})
_PLACES = frozenset({"env", "sp", "wb", "sh"})


async def exchange(uow: UnitOfWork, subject: Known, wanted: Exchange, key: str | None = None) -> Exchanged:
    """A token for less than the subject's: never wider, never longer, and ended with it.

    ``key`` is the thumbprint of the key that the caller has proved to hold: the new token is bound to it. Raises
    OAuthError: ``invalid_target`` for a thing that the subject does not reach, ``invalid_scope`` for a permission that
    it lacks there, ``invalid_request`` for a kind of token that cannot be narrowed, ``invalid_dpop_proof`` for a
    subject that is bound to another key.
    """
    actor = subject.actor
    if actor.bound_to not in {None, key}:
        message = "The subject token is bound to a key: send a proof of that key in the header DPoP."
        raise OAuthError("invalid_dpop_proof", message, "DPoP")
    if actor.kind not in _EXCHANGEABLE:
        raise OAuthError("invalid_request", "This kind of token cannot be exchanged.", "subject_token")
    if await depth_of(uow, actor.token_id) >= MAX_DEPTH:
        message = f"This token was exchanged {MAX_DEPTH} times over; exchange one that it came of."
        raise OAuthError("invalid_request", message, "subject_token")
    path = (await _target(uow, actor, wanted.target)).path if wanted.target else ()
    narrowest = narrow(actor, frozenset(Permission), *path)
    permissions = _permissions(narrowest, wanted.permissions, path)
    expires_at = min(uow.now + wanted.lifetime * SECOND, subject.expires_at)
    environment_id, space_id, workbook_id, sheet_id = (*path, None, None, None, None)[:4]
    minted = await auth.mint(
        uow,
        actor,
        CredentialKind.NARROWED,
        f"narrowed to {wanted.target or 'less'}",
        user_id=actor.id if actor.kind is ActorKind.USER else None,
        origin=ORIGIN,
        parent_id=actor.token_id,
        expires_at=expires_at,
        scope=Narrowing(
            environment_id, space_id, workbook_id, sheet_id=sheet_id, permissions=permissions, bound_to=key
        ),
    )
    return Exchanged(minted, expires_at, permissions)


async def revoke_token(uow: UnitOfWork, token: str) -> None:
    """End a token that its holder shows, with all that was exchanged for it; one that is not ours changes nothing.

    With a space token all tokens of its space end. Raises OAuthError for a publishable key, which everybody can show.
    """
    found = await recognise(uow, token)
    if found is None or not found.lives:
        return
    if found.public:
        message = "A publishable key is public: it is deleted by those who administer its environment."
        raise OAuthError("unsupported_token_type", message, "token")
    actor = system_actor(found.account_id, found.environment_id)
    if found.kind == SPACE:
        await spaces.end_tokens(uow, actor, found.id)
    else:
        await auth.revoke_credential(uow, actor, found.id)


def introspect(actor: Actor, token: Known) -> Told | None:
    """What a token is; None, as for one that is not active, when it is none of the caller's business.

    A caller may ask of the own token and of those that came of it or act as the same user; whoever may read keys asks
    of those of the environments that are reached.
    """
    asked = token.actor
    if asked.account_id != actor.account_id or not (_is_own(actor, asked) or _may_read(actor, asked)):
        return None
    permissions = tuple(sorted(permission.value for permission in Permission if may(asked, permission)))
    grant = asked.grants[0].path if asked.grants and len(asked.grants) == 1 else (asked.environment_id, asked.space_id)
    target = next((each for each in reversed(grant) if each is not None), None)
    expires_at = None if token.expires_at >= NEVER else token.expires_at
    return Told(asked.id, asked.token_id, None, expires_at, permissions, target, asked.bound_to)


def _is_own(actor: Actor, asked: Actor) -> bool:
    return asked.token_id == actor.token_id or (asked.kind, asked.id) == (actor.kind, actor.id)


def _may_read(actor: Actor, asked: Actor) -> bool:
    environment_id = asked.environment_id
    return (
        environment_id is not None
        and actor.reaches(asked.account_id, environment_id)
        and holds(actor, Permission.API_KEY_READ, environment_id)
    )


async def _target(uow: UnitOfWork, actor: Actor, target: str) -> Place:
    try:
        place = await places.find_place(uow, actor, target)
    except Forbidden:
        place = None
    if place is None or place.kind not in _PLACES:
        message = f"There is no environment, space, workbook or sheet {target[:60]!r} that this token can reach."
        raise OAuthError("invalid_target", message, "audience")
    return place


def _permissions(actor: Actor, wanted: tuple[str, ...], path: tuple[str | None, ...]) -> tuple[str, ...]:
    """What the new token may do, by name. Raises OAuthError."""
    for name in wanted:
        if name not in set(Permission):
            raise OAuthError("invalid_scope", f"{name[:60]!r} is no permission; the metadata lists them.", "scope")
        if not may(actor, Permission(name)):
            raise OAuthError(
                "invalid_scope", f"The subject token lacks '{name}' there, or may not pass it on.", "scope"
            )
    held = wanted or tuple(permission.value for permission in Permission if may(actor, permission))
    if not held:
        raise OAuthError("invalid_target", "The subject token may do nothing there.", "audience")
    return tuple(sorted(set(held)))
