"""Codes for when the second factor is lost: each works once, and only its fingerprint is kept."""

from __future__ import annotations

import secrets

from sheetport.features.audit import service as audit
from sheetport.features.factors import store
from sheetport.features.factors.model import RECOVERY_CODES
from sheetport.kernel.actor import Actor
from sheetport.storage.unit_of_work import UnitOfWork

#: Without letters and digits that look alike. Sixteen of them are 79 bits: nobody guesses one.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_GROUPS, _GROUP = 4, 4


async def make_recovery_codes(uow: UnitOfWork, actor: Actor) -> list[str]:
    """The caller's new codes, shown this once, such as ``k7mq-2xpd-…``. Those before end."""
    codes = [_code() for _ in range(RECOVERY_CODES)]
    await store.put_codes(uow, actor.id, [_fingerprint(uow, actor.id, code) for code in codes])
    await audit.record(uow, actor, "factor:create", actor.id, factor="recovery codes")
    return codes


async def use_recovery_code(uow: UnitOfWork, user_id: str, code: str) -> bool:
    """Whether the code is the user's and was not used before; it is used now."""
    return await store.use_code(uow, user_id, _fingerprint(uow, user_id, code))


def is_recovery_code(code: str) -> bool:
    """Whether it has the shape of one, however it is spelled: an app's code has six digits."""
    return len(_plain(code)) == _GROUPS * _GROUP


def _code() -> str:
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def _plain(code: str) -> str:
    return "".join(character for character in code.lower() if character.isalnum())


def _fingerprint(uow: UnitOfWork, user_id: str, code: str) -> str:
    return uow.keys.fingerprint(f"recovery {user_id} {_plain(code)}").hex()
