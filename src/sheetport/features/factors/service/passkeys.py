"""Passkeys (WebAuthn): kept on the device, verified by it, and bound to this server's host name."""

from __future__ import annotations

from typing import Any

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from sheetport import NAME
from sheetport.features.audit import service as audit
from sheetport.features.factors import store
from sheetport.features.factors.model import MAX_NAME, MAX_PASSKEYS, Passkey, Site
from sheetport.features.factors.service.factors import forget_idle_codes
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Conflict, Invalid, NotFound
from sheetport.kernel.ids import new_id
from sheetport.kernel.json import loads
from sheetport.storage.unit_of_work import UnitOfWork

_VERIFIED = UserVerificationRequirement.REQUIRED
_REFUSED = "This passkey was not accepted; try again, or sign in another way."
_TRANSPORTS = frozenset(each.value for each in AuthenticatorTransport)
#: What the library raises for bytes that are no answer of an authenticator.
_UNREADABLE = (WebAuthnException, ValueError, TypeError, KeyError, IndexError, AttributeError)


async def registration_options(uow: UnitOfWork, actor: Actor, email: str, site: Site, challenge: bytes) -> Any:
    """What the caller's browser needs to make a passkey, as JSON values."""
    known = await store.list_passkeys(uow, actor.id)
    made = generate_registration_options(
        rp_id=site.rp_id,
        rp_name=NAME,
        user_name=email,
        user_id=actor.id.encode(),
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFIED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each.credential) for each in known],
    )
    return loads(options_to_json(made))


async def register_passkey(
    uow: UnitOfWork, actor: Actor, site: Site, challenge: bytes, answer: Any, name: str
) -> Passkey:
    """Keep the passkey that the caller's browser has made for ``challenge``. Raises Invalid and Conflict."""
    name = _name(name)
    known = await store.list_passkeys(uow, actor.id)
    if len(known) >= MAX_PASSKEYS:
        raise Invalid(f"You have {MAX_PASSKEYS} passkeys; remove one first.", "passkey")
    try:
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
        transports = [each for each in answer["response"].get("transports") or [] if each in _TRANSPORTS]
    except _UNREADABLE:
        raise Invalid("The browser's answer is not a passkey for this server; try again.", "passkey") from None
    passkey = Passkey(
        new_id("pky", actor.account_id),
        actor.account_id,
        actor.id,
        name,
        site.rp_id,
        made.credential_id,
        made.credential_public_key,
        made.sign_count,
        transports,
        uow.now,
    )
    if not await store.insert_passkey(uow, passkey):
        raise Conflict("This passkey is known already.", "passkey")
    await audit.record(uow, actor, "factor:create", passkey.id, factor="passkey", name=name)
    return passkey


def assertion_options(site: Site, challenge: bytes) -> Any:
    """What a browser needs to sign in by any passkey it has for this server, as JSON values."""
    made = generate_authentication_options(rp_id=site.rp_id, challenge=challenge, user_verification=_VERIFIED)
    return loads(options_to_json(made))


async def use_passkey(uow: UnitOfWork, site: Site, challenge: bytes, answer: Any) -> Passkey:
    """The passkey that has signed ``challenge``. Raises Invalid, alike for all that is wrong.

    A counter that does not go up, where it counts at all, is the sign of a copied passkey: refused.
    """
    try:
        passkey = await store.lock_passkey(uow, base64url_to_bytes(answer["rawId"]))
        if passkey is None or passkey.rp_id != site.rp_id:
            raise Invalid(_REFUSED, "passkey")
        handle = answer["response"].get("userHandle")
        if handle is not None and base64url_to_bytes(handle) != passkey.user_id.encode():
            raise Invalid(_REFUSED, "passkey")
        used = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except _UNREADABLE:
        raise Invalid(_REFUSED, "passkey") from None
    await store.use_passkey(uow, passkey.id, used.new_sign_count)
    return passkey


async def rename_passkey(uow: UnitOfWork, actor: Actor, passkey_id: str, name: str) -> None:
    """Raises NotFound and Invalid."""
    if not await store.rename_passkey(uow, actor.id, passkey_id, _name(name)):
        raise NotFound("You have no such passkey.", "passkeyId")
    await audit.record(uow, actor, "factor:update", passkey_id, factor="passkey")


async def delete_passkey(uow: UnitOfWork, actor: Actor, passkey_id: str) -> None:
    """Raises NotFound."""
    if not await store.delete_passkey(uow, actor.id, passkey_id):
        raise NotFound("You have no such passkey.", "passkeyId")
    await forget_idle_codes(uow, actor.id)
    await audit.record(uow, actor, "factor:delete", passkey_id, factor="passkey")


def _name(name: str) -> str:
    name = " ".join(name.split()) or "Passkey"
    if len(name) > MAX_NAME or not name.isprintable():
        raise Invalid(f"name must have at most {MAX_NAME} characters, without control characters.", "name")
    return name
