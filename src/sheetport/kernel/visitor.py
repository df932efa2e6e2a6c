"""Who is at the other end of a sign-in, as far as can be seen."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is at the other end: address, program, and the device that a cookie of ours knows it as.

    ``device_of`` is the user that the device has signed in as. ``limited`` says whether failures count against it.
    """

    address: str | None = None
    agent: str | None = None
    device: str | None = field(default=None, repr=False)
    device_of: str | None = None
    limited: bool = False

    def device_for(self, user_id: str | None) -> str | None:
        """The device's name, if it has signed in as this user."""
        return self.device if user_id is not None and self.device_of == user_id else None
