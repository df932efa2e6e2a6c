"""Test listeners without a network: a real server in this process, and a listener whose events can be waited for.

with TestServer() as server:
    async with TestListener(listener, server) as heard:
        server.call("POST", "/v1/spaces", {"name": "Contacts", "environmentId": server.environment_id})
        handled = await heard.wait_for("space:created")
"""

from __future__ import annotations

from sheetport.testing.listening import Handled, HandlerFailed, TestListener
from sheetport.testing.server import CallFailed, TestServer

__all__ = ["CallFailed", "Handled", "HandlerFailed", "TestListener", "TestServer"]
