"""What a route handler is given: a :class:`Call`, which runs services in units of work for the caller."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from sheetport.config import Settings
from sheetport.http.rates import Limits
from sheetport.kernel.actor import Actor
from sheetport.storage.unit_of_work import Database, Standing, UnitOfWork

T = TypeVar("T")
P = ParamSpec("P")
Service = Callable[Concatenate[UnitOfWork, Actor, P], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a verified caller; ``standing`` is there when the verification is a remembered one."""

    db: Database
    actor: Actor
    settings: Settings
    limits: Limits
    standing: Standing | None = None

    async def read(self, service: Service[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a service that only reads."""
        return await self.db.read(lambda uow: service(uow, self.actor, *args, **kwargs), standing=self.standing)

    async def read_much(self, service: Service[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a service that reads for long, off the event loop."""
        return await self.db.read(lambda uow: service(uow, self.actor, *args, **kwargs), heavy=True)

    async def write(self, service: Service[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a service in one transaction."""
        return await self.db.write(lambda uow: service(uow, self.actor, *args, **kwargs), lane=self._lane)

    async def write_much(self, service: Service[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a service that writes for long, in one transaction that gives way to small ones."""
        return await self.db.write(lambda uow: service(uow, self.actor, *args, **kwargs), bulk=True, lane=self._lane)

    @property
    def _lane(self) -> str:
        return self.actor.environment_id or self.actor.account_id


async def provide_call(request: Request[Any, Any, Any]) -> Call:
    """The call of a request whose caller the authentication middleware has verified."""
    state = request.app.state
    return Call(state.db, request.scope["state"]["actor"], state.settings, state.limits)


#: How a route handler names its :class:`Call`: ``call: Caller``.
Caller = NamedDependency[SkipValidation[Call]]
