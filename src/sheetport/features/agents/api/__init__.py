"""Routes of agents (``agents``), of what they did (``executions``) and of their exports (``exports``)."""

from sheetport.features.agents.api.routers import exports_router, router

__all__ = ["exports_router", "router"]
