"""Who a token is.

One process on SQLite: a verified caller is remembered until its token expires or its account is bumped,
which happens after the revoking commit and before its reply. Many processes on PostgreSQL: what is remembered
is a hint, good only for a read whose first query finds the account's generation unchanged; everything else
looks the token up, so a revocation that has been answered is seen by all.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import blake2b

from sheetport.features.auth import store
from sheetport.features.auth.service.actors import caller_of, space_actor
from sheetport.features.auth.service.derived import GUEST_PREFIX, SPACE_PREFIX, read_space_token
from sheetport.features.auth.service.guest_callers import find_guest_caller
from sheetport.features.auth.service.proofs import spend_proof
from sheetport.features.auth.service.rotate import end_reused, find_reused
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Unauthenticated
from sheetport.kernel.proofs import BoundToken, Proof, ProofRefused
from sheetport.storage.unit_of_work import Database, Standing, UnitOfWork

#: More remembered callers than this, and all are forgotten: a bound, not a policy.
MAX_REMEMBERED = 50_000
MAX_TOKEN = 1_000


@dataclass(frozen=True, slots=True)
class Known:
    """A verified caller, when its token expires, and the standing under which that was seen."""

    actor: Actor
    expires_at: int
    standing: Standing


class _Reused(Unauthenticated):
    """A credential that was rotated away is used after its overlap."""

    def __init__(self, credential_id: str) -> None:
        super().__init__()
        self.credential_id = credential_id


class Verifier:
    """Turns tokens into actors."""

    def __init__(self, db: Database) -> None:
        self._db = db
        #: By :meth:`_name` of the token: in memory, too, no token lies in clear.
        self._remembered: dict[bytes, Known] = {}
        self._salt = secrets.token_bytes(32)
        #: credential id → when it was last used; a batch writer empties it.
        self.used: dict[str, int] = {}
        db.on_bump(self._forget)

    async def verify(self, token: str) -> Actor:
        """The caller. Raises Unauthenticated, alike for unknown, revoked, expired and wrong-kind tokens."""
        return (await self.know(token)).actor

    async def know(self, token: str, key: str | None = None) -> Known:
        """The caller, and when the token expires. ``key`` is the thumbprint of the key that the caller has proved to
        hold. Raises Unauthenticated as ``verify`` does, BoundToken and ProofRefused for a token of another key.
        """
        known = await self.find(token)
        if known.actor.bound_to != key:
            if key is None:
                raise BoundToken("This token is bound to a key: send it as 'Authorization: DPoP <token>' with a proof.")
            raise ProofRefused("This token is not bound to the key of the DPoP proof.")
        return known

    async def find(self, token: str) -> Known:
        """Whose a token is, whoever shows it: what it is bound to has not been asked. Raises Unauthenticated."""
        if len(token) > MAX_TOKEN:
            raise Unauthenticated
        name, now = self._name(token), self._db.clock.now()
        known = None if self._db.shared else self._remembered.get(name)
        if known is None or known.expires_at <= now:
            fingerprint = self._db.keys.fingerprint(token)
            known = await self._look_up(token, fingerprint)
            self._remember(name, known)
        self.used[known.actor.token_id] = now
        return known

    async def _look_up(self, token: str, fingerprint: bytes) -> Known:
        try:
            return await self._db.read(lambda uow: look_up(uow, token, fingerprint))
        except _Reused as error:
            reused = error.credential_id
        await self._db.write(lambda uow: end_reused(uow, reused))
        raise Unauthenticated

    async def prove(self, proof: Proof) -> str:
        """The thumbprint of a proof's key. Raises ProofRefused when the proof was used before."""
        await self._db.write(lambda uow: spend_proof(uow, proof))
        return proof.key

    def recall(self, token: str) -> Known | None:
        """The caller if it is remembered and bound to no key; whoever uses it reads under its standing."""
        known = self._remembered.get(self._name(token))
        now = self._db.clock.now()
        if known is None or known.expires_at <= now or known.actor.bound_to is not None:
            return None
        self.used[known.actor.token_id] = now
        return known

    def take_used(self) -> dict[str, int]:
        """The credentials used since the last call, with when; they are forgotten here."""
        used, self.used = self.used, {}
        return used

    def _name(self, token: str) -> bytes:
        """A keyed hash of this process, which takes a third of the time of the stored fingerprint."""
        return blake2b(token.encode(), key=self._salt, digest_size=32).digest()

    def _remember(self, name: bytes, known: Known) -> None:
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[name] = known

    def _forget(self, accounts: frozenset[str]) -> None:
        self._remembered = {k: v for k, v in self._remembered.items() if v.actor.account_id not in accounts}


async def look_up(uow: UnitOfWork, token: str, fingerprint: bytes) -> Known:
    """The caller. Raises Unauthenticated."""
    if token.startswith(SPACE_PREFIX):
        return await _space_caller(uow, token)
    if token.startswith(GUEST_PREFIX):
        return Known(*await find_guest_caller(uow, token))
    row = await store.find_for_verification(uow, fingerprint)
    if row is not None and row["replaced_by"] is not None and await find_reused(uow, store.credential_of(row)):
        raise _Reused(row["id"])
    if row is None:
        raise Unauthenticated
    actor, expires_at = await caller_of(uow, row)
    return Known(actor, expires_at, Standing(row["account_id"], row["auth_generation"]))


async def _space_caller(uow: UnitOfWork, token: str) -> Known:
    claim = read_space_token(uow.keys, token)
    if claim is None or claim.expires_at <= uow.now:
        raise Unauthenticated
    row = await store.find_space(uow, claim.space_id)
    if row is None or row["deleted_at"] is not None or row["token_generation"] != claim.generation:
        raise Unauthenticated
    return Known(
        space_actor(row, claim.space_id), claim.expires_at, Standing(row["account_id"], row["auth_generation"])
    )
