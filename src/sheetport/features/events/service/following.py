"""Those who follow a channel, as the routes see them; ``runtime.hub`` serves them."""

from __future__ import annotations

from typing import Protocol

from sheetport.features.events.model import Grant, Wanted


class Tail(Protocol):
    """An open stream."""

    async def next(self) -> bytes | None:
        """The next bytes to send, as soon as there are any; None once the stream has ended."""
        ...

    def end(self) -> None:
        """End once what there is has been sent."""
        ...

    def close(self) -> None:
        """Forget it; nothing more is sent."""
        ...


class Following(Protocol):
    """All who follow a channel through this process."""

    async def subscribe(self, token: str, channel: str, time_token: str, name: str) -> bytes:
        """The body of a poll's answer. Raises Forbidden or Invalid."""
        ...

    def leave(self, token: str, channel: str) -> None:
        """Note that a listener is gone. Raises Forbidden."""
        ...

    def check(self, token: str, channel: str) -> Grant:
        """The grant of a token for this very channel. Raises Forbidden."""
        ...

    def follow(self, grant: Grant, after: int, wanted: Wanted) -> Tail:
        """Begin a stream of the wanted events behind position ``after``; whoever begins it closes it."""
        ...
