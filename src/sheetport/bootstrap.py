"""The composition root: builds the application from its slices."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from litestar import Litestar, Router
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.types import ControllerRouterHandler

from sheetport.config import ConfigError, Settings
from sheetport.features.accounts import api as accounts
from sheetport.features.actions import api as actions
from sheetport.features.agents import api as agents
from sheetport.features.agents.service import export_agent
from sheetport.features.apps import api as apps
from sheetport.features.audit import api as audit
from sheetport.features.audit.service import Sealer, Watch
from sheetport.features.auth import api as auth
from sheetport.features.auth.service import Verifier, find_issuer
from sheetport.features.constraints import api as constraints
from sheetport.features.documents import api as documents
from sheetport.features.egress.service import Egress, KeptCalls
from sheetport.features.embeds import api as embeds
from sheetport.features.entitlements import api as entitlements
from sheetport.features.environments import api as environments
from sheetport.features.events import api as events
from sheetport.features.guests import api as guests
from sheetport.features.guests.service import answer_requests, is_any_asked
from sheetport.features.jobs import api as jobs
from sheetport.features.jobs.service import serve_jobs
from sheetport.features.leaks import api as leaks
from sheetport.features.logins import api as logins
from sheetport.features.oauth import api as oauth
from sheetport.features.rates.service import Limiter
from sheetport.features.records import api as records
from sheetport.features.roles import api as roles
from sheetport.features.secrets import api as secrets
from sheetport.features.secrets.service import list_secret_roots
from sheetport.features.sheets import api as sheets
from sheetport.features.spaces import api as spaces
from sheetport.features.sso.service import Providers
from sheetport.features.starts import api as starts
from sheetport.features.users import api as users
from sheetport.features.versions import api as versions
from sheetport.features.webhooks import api as webhooks
from sheetport.features.workbooks import api as workbooks
from sheetport.http.auth import AuthMiddleware
from sheetport.http.dependencies import provide_call
from sheetport.http.edge import EdgeMiddleware
from sheetport.http.errors import HANDLERS
from sheetport.http.front import FrontMiddleware
from sheetport.http.logs import configure_logs
from sheetport.http.observe import ObserveMiddleware
from sheetport.http.openapi import Description
from sheetport.http.page_origins import PageOrigins
from sheetport.http.quick import QuickList, QuickMiddleware
from sheetport.http.rates import HEADERS, RateGate, RateMiddleware
from sheetport.http.tally import Tally
from sheetport.http.unsupported import refuse_unsupported
from sheetport.kernel.memory import building
from sheetport.kernel.scanning_keys import read_keys
from sheetport.runtime.agent_delivery import AgentDelivery
from sheetport.runtime.background import background, keeping_secrets
from sheetport.runtime.cron import Audience, Cron
from sheetport.runtime.hub import Hub
from sheetport.runtime.key_rotation import KeyRotation
from sheetport.runtime.mail_sender import MailSender
from sheetport.runtime.stream_limits import StreamLimits
from sheetport.runtime.telemetry import Telemetry
from sheetport.runtime.webhook_sender import WebhookSender
from sheetport.storage.unit_of_work import Database
from sheetport.web import (
    device_pages,
    health,
    pages,
    reference,
    reset_pages,
    security_pages,
    setup_pages,
    sign_in_pages,
    space_pages,
    sso_pages,
)
from sheetport.web.first_run import expiring_first_run
from sheetport.web.marks import Marks
from sheetport.web.verdicts import WATCHED

ROUTERS: list[ControllerRouterHandler] = [
    accounts.router,
    actions.router,
    agents.router,
    agents.exports_router,
    audit.router,
    auth.clients_router,
    auth.credentials_router,
    auth.policy_router,
    auth.router,
    apps.router,
    constraints.router,
    documents.router,
    embeds.router,
    entitlements.router,
    environments.router,
    events.router,
    events.subscription_router,
    events.environment_subscription_router,
    events.stream_router,
    *events.poll_routers,
    guests.router,
    guests.invitations_router,
    Router("/v1/jobs", route_handlers=[*jobs.handlers, starts.create_job], tags=["jobs"]),
    logins.router,
    leaks.router,
    oauth.router,
    oauth.metadata_router,
    records.router,
    roles.router,
    secrets.router,
    secrets.variables_router,
    sheets.router,
    spaces.router,
    versions.router,
    webhooks.router,
    workbooks.router,
    users.router,
    device_pages.router,
    health.router,
    pages.router,
    reference.router,
    reset_pages.router,
    security_pages.router,
    setup_pages.router,
    sign_in_pages.router,
    space_pages.router,
    sso_pages.router,
]

QUICK: dict[str, HTTPRouteHandler] = {
    "/v1/environments": environments.get_environment,
    "/v1/jobs": jobs.get_job,
    "/v1/sheets": sheets.get_sheet,
    "/v1/spaces": spaces.get_space,
    "/v1/workbooks": workbooks.get_workbook,
}
#: The lists answered in front of it.
QUICK_LISTS = {
    "/v1/secrets": QuickList(
        secrets.list_secrets,
        {"environmentId": "environment_id", "spaceId": "space_id", "actorId": "actor_id"},
        not_with=b"x-listener",
    ),
}

#: In the data directory; what lies in it is nothing that must be kept.
AGENTS_FOLDER = "agents"

#: Who hears of ticks of the clock besides those who follow an environment's events.
CRON_AUDIENCES: tuple[Audience, ...] = ()

_CORS = CORSConfig(
    allow_origins=["*"],
    allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    allow_headers=["*"],
    expose_headers=["X-Request-Id", *HEADERS],
    max_age=600,
)


def make_router() -> Litestar:
    """Every route behind authentication. What the routes work on is in its state, which an Application fills."""
    serve_jobs("agent:agent-export", export_agent)
    with building():
        router = Litestar(
            route_handlers=ROUTERS,
            dependencies={"call": Provide(provide_call)},
            middleware=[AuthMiddleware()],
            exception_handlers=HANDLERS,
            cors_config=_CORS,
            logging_config=None,
            request_max_body_size=None,  # the front's limits have been applied by then
            openapi_config=None,  # http.openapi describes the routes when it is asked to
            state=State({"description": Description(ROUTERS)}),
        )
        refuse_unsupported(router)
    return router


def require_scanning_keys(text: str | None) -> None:
    """Keep a server from starting with keys that it could not use. Raises ConfigError."""
    try:
        if text is not None:
            read_keys(text)
    except ValueError as error:
        raise ConfigError(f"SHEETPORT_SECRET_SCANNING_KEYS (or its _FILE) cannot be used: {error}.") from None


def _delivery(settings: Settings, db: Database) -> AgentDelivery | None:
    if settings.agents is None:
        return None
    folder = settings.storage.data / AGENTS_FOLDER / str(settings.process.worker)
    return AgentDelivery(db, folder, settings.http.own_url, settings.agents.chain)


class Application:
    """The server's application: an ASGI callable over an open database.

    ``router`` is one that :func:`make_router` made for an application that is no more: making one takes long.
    """

    def __init__(self, settings: Settings, db: Database, router: Litestar | None = None) -> None:
        configure_logs(settings.logs)
        self.settings = settings
        self.db = db
        self.verifier = Verifier(db)
        self.watch = Watch(db, settings.storage.audit_anchor, list_secret_roots)
        self.sealer = Sealer(db, self.watch.note)
        self.tally = Tally(db.clock.now, db.keys.fingerprint)
        self.limiter = Limiter(db, settings.rates, on=settings.rate_limits)
        gate = RateGate(self.limiter)
        self.rotation = KeyRotation(db, settings.storage)
        self.stream_limits = StreamLimits(db, settings.quotas.streams)
        self.hub = Hub(db, find_issuer, settings.events.hold_seconds, self.stream_limits)
        self.cron = Cron(db, self.hub.followed, CRON_AUDIENCES)
        self.telemetry = Telemetry(db, self.hub, settings.process, lambda: self.sealer.failing or self.watch.fault)
        self.router = router or make_router()
        state = self.router.state
        state["db"], state["settings"], state["verifier"] = db, settings, self.verifier
        state["limits"], state["gate"] = self.limiter, gate
        state["hub"], state["telemetry"], state["sealer"] = self.hub, self.telemetry, self.sealer
        egress = Egress(db)
        state["providers"] = Providers(egress)
        state["kept_calls"] = calls = KeptCalls(egress)
        self.webhook_sender = WebhookSender(db, calls, settings.http.base_url)
        self.mail_sender = MailSender(db, settings.mail, self._answer_guests) if settings.mail else None
        self.agents = _delivery(settings, db)
        self.marks = Marks(db)
        observed = ObserveMiddleware(self.router, WATCHED, self.marks.asks, self.marks.note, db.keys.fingerprint)
        streams = events.StreamMiddleware(PageOrigins(observed, self.verifier.verify))
        polls = events.PollMiddleware(streams, self.hub)
        quick = QuickMiddleware(polls, QUICK, QUICK_LISTS, self.verifier.recall, observed.tell, db, settings, gate)
        front = RateMiddleware(FrontMiddleware(quick, settings.http), gate)
        self.edge = EdgeMiddleware(front, settings, self.telemetry.counters, self.tally, gate)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Start and stop what runs beside the requests."""
        await self.hub.presence.start()
        try:
            async with (
                self.watch.running(),
                self.sealer.running(),
                background(self.db, self.verifier, self.tally, self.settings.events.days, self.cron),
                keeping_secrets(self.db, self.rotation),
                self.marks.running(),
                self.stream_limits.running(),
                self.telemetry.running(),
                self.agents.running() if self.agents is not None else nullcontext(),
                self.mail_sender.running() if self.mail_sender is not None else nullcontext(),
                self.webhook_sender.running(),
                expiring_first_run(self.settings.storage.data),
            ):
                yield
        finally:
            self.hub.stop_waiting()
            await self.hub.presence.stop()

    async def _answer_guests(self) -> None:
        """Write the mails of guests who asked for a sign-in link."""
        base_url = self.settings.http.base_url
        while await self.db.read(is_any_asked):
            await self.db.write(lambda uow: answer_requests(uow, base_url))

    def take_leave(self) -> None:
        """Be no longer ready, and have clients connect anew after each answer: to whoever takes over."""
        self.telemetry.closing = self.edge.closing = True
        if self.agents is not None:
            self.agents.take_leave()

    def stop_waiting(self) -> None:
        """Answer every open long poll, so that the server can stop."""
        self.take_leave()
        self.hub.stop_waiting()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.edge(scope, receive, send)
