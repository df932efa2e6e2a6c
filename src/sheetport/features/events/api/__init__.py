"""Routes of events: the log (``log``), our own stream (``stream``), and at the root the long polls that the public
listeners follow (``polls``)."""

from sheetport.features.events.api.log import environment_subscription_router, router, subscription_router
from sheetport.features.events.api.polls import PollMiddleware
from sheetport.features.events.api.polls import routers as poll_routers
from sheetport.features.events.api.stream import StreamMiddleware
from sheetport.features.events.api.stream import router as stream_router

__all__ = [
    "PollMiddleware",
    "StreamMiddleware",
    "environment_subscription_router",
    "poll_routers",
    "router",
    "stream_router",
    "subscription_router",
]
