"""Write listeners in Python: ``from sheetport.listener import Listener``.

A listener receives the events of one environment or space and calls the handlers whose topic and
filter match, by the same rules as the npm package ``@flatfile/listener``. It talks to the server
over HTTP only and imports nothing else of Sheetport.
"""

from __future__ import annotations

from sheetport.listener.errors import (
    ListenerConfigError,
    ListenerError,
    ListenerHTTPError,
    ListenerLoadError,
    SecretNotFound,
)
from sheetport.listener.event import Event, Job
from sheetport.listener.listener import Listener
from sheetport.listener.matching import matches

__all__ = [
    "Event",
    "Job",
    "Listener",
    "ListenerConfigError",
    "ListenerError",
    "ListenerHTTPError",
    "ListenerLoadError",
    "SecretNotFound",
    "matches",
]
