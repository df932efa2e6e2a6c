"""``sheetport serve`` that lets everyone in as one fixed caller: what authentication costs is the difference to it.

    OPEN_ACCOUNT=us_acc_… OPEN_ENVIRONMENT=us_env_… python benchmarks/open_server.py serve …

For the benchmarks beside it only.
"""

from __future__ import annotations

import os

from sheetport import bootstrap
from sheetport.cli.main import main
from sheetport.features.auth.service.verify import Known, Verifier
from sheetport.http import auth, observe, quick
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.storage.unit_of_work import Standing

ACCOUNT = os.environ["OPEN_ACCOUNT"]
ACTOR = Actor(ActorKind.SECRET_KEY, "open", ACCOUNT, "open", os.environ["OPEN_ENVIRONMENT"])
KNOWN = Known(ACTOR, 2**62, Standing(ACCOUNT, 1))


class Everyone(Verifier):
    """Knows everyone without a look."""

    async def verify(self, token: str) -> Actor:
        return ACTOR

    def recall(self, token: str) -> Known:
        return KNOWN


if __name__ == "__main__":
    bootstrap.Verifier = Everyone  # type: ignore[misc]
    for module in (auth, observe, quick):
        module.bearer_token = lambda _: ""
    main()
