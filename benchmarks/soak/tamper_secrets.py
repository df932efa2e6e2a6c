"""Alter, swap, cut, delete, add and put back sealed rows at random, one at a time: each must be found.

    python benchmarks/soak/tamper_secrets.py [MUTATIONS [SEED [DATABASE_URL]]]

10,000 by default, on SQLite or in an empty PostgreSQL database. Prints how many of each kind were done and every one
that was not found, and ends with 1 if there was one.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from servers.data_places import DataPlace
from sheetport.features.secrets import service
from storage.tampering import Tampering
from storage.vaults import Vault, opened_vault


async def found(vault: Vault) -> bool:
    return bool(await vault.db.write(lambda uow: service.verify_secrets(uow, vault.actor, vault.one)))


async def run(mutations: int, seed: int, url: str | None) -> int:
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        place = DataPlace("postgresql" if url else "sqlite", Path(folder) / "data", url)
        async with opened_vault(place) as vault:
            tampering = Tampering(vault, random.Random(seed))
            await tampering.furnish()
            for number in range(1, mutations + 1):
                done = await tampering.tamper()
                if not await found(vault):
                    missed += 1
                    print(f"mutation {number} was not found: {done}", flush=True)
                await tampering.mend()
            if await found(vault):
                missed += 1
                print("what was mended is taken for altered")
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(tampering.counts.items()))
            print(f"seed {seed}: {mutations:,} mutations ({kinds}), {missed} not found")
    return missed


def main() -> None:
    mutations = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)
    sys.exit(1 if asyncio.run(run(mutations, seed, sys.argv[3] if len(sys.argv) > 3 else None)) else 0)


if __name__ == "__main__":
    main()
