"""Proofs of possession that were used: each is good once, whichever process of the server it reaches."""

from __future__ import annotations

from sheetport.features.auth.store import proofs as store
from sheetport.kernel.clock import MINUTE
from sheetport.kernel.proofs import Proof, ProofRefused
from sheetport.storage.unit_of_work import UnitOfWork

#: So long beyond their end used proofs are kept: another host's clock may be behind.
KEPT = 10 * MINUTE


async def spend_proof(uow: UnitOfWork, proof: Proof) -> None:
    """Use a proof up. Raises ProofRefused when it was used before."""
    fingerprint = uow.keys.fingerprint(f"{proof.key} {proof.id}").hex()
    if not await store.spend(uow, fingerprint, proof.ends_at):
        raise ProofRefused("This DPoP proof was used before; make one for each request, with a jti of its own.")


async def sweep_proofs(uow: UnitOfWork) -> int:
    """Forget used proofs that are refused for their age by now; how many."""
    return await store.sweep(uow, uow.now - KEPT)
