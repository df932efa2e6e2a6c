"""Authenticator apps (RFC 6238): six digits, thirty seconds, one step of drift, each step used once."""

from __future__ import annotations

import base64
import hmac
from contextlib import suppress

from pyotp import TOTP

from sheetport import NAME
from sheetport.features.audit import service as audit
from sheetport.features.factors import store
from sheetport.features.factors.model import Enrolment, Totp
from sheetport.features.factors.service.factors import forget_idle_codes
from sheetport.kernel.actor import Actor
from sheetport.kernel.clock import SECOND
from sheetport.kernel.crypto import DecryptionError
from sheetport.kernel.errors import Invalid, NotFound, Unavailable
from sheetport.storage import identity
from sheetport.storage.unit_of_work import UnitOfWork

STEP = 30 * SECOND
DRIFT = 1
#: What apps are used to: 160 bits.
_SECRET_BYTES = 20
_RESEALED_AT_ONCE = 500


async def begin_totp(uow: UnitOfWork, actor: Actor, email: str) -> Enrolment:
    """A new secret for the caller's app, which is a factor once a code has confirmed it.

    Raises Invalid while a confirmed one is there.
    """
    known = await store.find_totp(uow, actor.id)
    if known is not None and known.confirmed_at is not None:
        raise Invalid("You have an authenticator app; remove it before you set up another.", "totp")
    await identity.require_current_kek(uow)
    key, sealed = uow.keys.new_data_key(*_context(actor.account_id, actor.id))
    await store.put_totp(uow, Totp(actor.id, actor.account_id, sealed, 0, uow.now))
    secret = _secret(key)
    return Enrolment(secret, TOTP(secret).provisioning_uri(name=email, issuer_name=NAME))


async def confirm_totp(uow: UnitOfWork, actor: Actor, code: str) -> None:
    """Make the caller's new app a factor, once it has shown that it works. Raises Invalid."""
    known = await store.find_totp(uow, actor.id)
    if known is None or known.confirmed_at is not None:
        raise Invalid("There is no authenticator app to confirm; begin again.", "code")
    if not await _use(uow, known, code):
        raise Invalid("This code is not right; check the clock of the device and send the newest code.", "code")
    await audit.record(uow, actor, "factor:create", actor.id, factor="totp")


async def pending_enrolment(uow: UnitOfWork, user_id: str, email: str) -> Enrolment | None:
    """What the app was told, while it is not confirmed."""
    known = await store.find_totp(uow, user_id)
    if known is None or known.confirmed_at is not None:
        return None
    secret = _open(uow, known)
    return Enrolment(secret, TOTP(secret).provisioning_uri(name=email, issuer_name=NAME))


async def use_totp(uow: UnitOfWork, user_id: str, code: str) -> bool:
    """Whether the code is the user's and was not used before; it is used now."""
    known = await store.find_totp(uow, user_id)
    return known is not None and known.confirmed_at is not None and await _use(uow, known, code)


async def delete_totp(uow: UnitOfWork, actor: Actor) -> None:
    """Take the caller's app away. Raises NotFound."""
    if await store.delete_totp(uow, actor.id) == 0:
        raise NotFound("You have no authenticator app.", "totp")
    await forget_idle_codes(uow, actor.id)
    await audit.record(uow, actor, "factor:delete", actor.id, factor="totp")


async def reseal_totp(uow: UnitOfWork) -> int:
    """Seal some secrets that are not under the current key-encryption key under it; how many. For key rotation.

    One that was altered opens under no key and is left as it is.
    """
    done = 0
    for totp in await store.list_sealed_otherwise(uow, uow.keys.current_kek, _RESEALED_AT_ONCE):
        context = _context(totp.account_id, totp.user_id)
        with suppress(DecryptionError):
            key = uow.keys.open_data_key(totp.sealed, *context)
            await store.reseal(uow, totp, uow.keys.seal_data_key(key, *context))
            done += 1
    return done


async def _use(uow: UnitOfWork, totp: Totp, code: str) -> bool:
    step = _step_of(TOTP(_open(uow, totp)), "".join(code.split()), uow.now)
    return step is not None and await store.use_step(uow, totp.user_id, step)


def _step_of(app: TOTP, code: str, now: int) -> int | None:
    """The time step whose code this is, looked for in constant time."""
    found = None
    for step in range(now // STEP - DRIFT, now // STEP + DRIFT + 1):
        if hmac.compare_digest(app.generate_otp(step).encode(), code.encode()):
            found = step
    return found


def _open(uow: UnitOfWork, totp: Totp) -> str:
    try:
        return _secret(uow.keys.open_data_key(totp.sealed, *_context(totp.account_id, totp.user_id)))
    except DecryptionError:
        message = "The authenticator app's secret does not open: sign in with a recovery code and set the app up again."
        raise Unavailable(message, "code") from None


def _context(account_id: str, user_id: str) -> tuple[str, ...]:
    return "totp", account_id, user_id


def _secret(key: bytes) -> str:
    return base64.b32encode(key[:_SECRET_BYTES]).decode()
