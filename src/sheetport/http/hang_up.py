"""Hears of a caller that goes away while its answer is being waited for, without a task for that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from litestar.types import Receive


class HangUp:
    """Calls ``gone`` once when the caller goes away, unless it is stopped before."""

    __slots__ = ("_gone", "_listening", "_receive", "hung_up")

    def __init__(self, receive: Receive, gone: Callable[[], object]) -> None:
        self._receive = receive
        self._gone = gone
        self.hung_up = False
        self._listen()

    def stop(self) -> None:
        """Listen no more."""
        self._listening.cancel()

    def _listen(self) -> None:
        # The server's channel gives futures; only where it gives coroutines does this make a task.
        self._listening: asyncio.Future[Any] = asyncio.ensure_future(self._receive())
        self._listening.add_done_callback(self._heard)

    def _heard(self, listening: asyncio.Future[Any]) -> None:
        if listening.cancelled():
            return
        if listening.exception() is None and listening.result()["type"] != "http.disconnect":
            self._listen()  # that was the body
            return
        self.hung_up = True
        self._gone()
