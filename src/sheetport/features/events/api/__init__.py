"""Routes of events: the log under ``/v1`` (``log``), and the stream that listeners follow at the root (``stream``)."""

from sheetport.features.events.api.log import environment_subscription_router, router, subscription_router
from sheetport.features.events.api.stream import routers as stream_routers

__all__ = ["environment_subscription_router", "router", "stream_routers", "subscription_router"]
