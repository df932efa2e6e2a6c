"""What can go wrong in a listener. No message ever holds the value of a secret or a token."""

from __future__ import annotations


class ListenerError(Exception):
    """Base of every error this package raises."""


class ListenerConfigError(ListenerError):
    """The address, the token or the environment is missing or unusable; the message names the variable."""


class ListenerLoadError(ListenerError):
    """A listener file cannot be loaded, or does not hold exactly one ``Listener``."""


class SecretNotFound(ListenerError):
    """The server answered, but has no secret of this name for this scope, or an empty one."""

    def __init__(self, name: str, scope: str) -> None:
        super().__init__(f"Secret {name} not found in {scope}. Set it with: sheetport secrets set {name}")
        self.name = name


class ListenerHTTPError(ListenerError):
    """The server refused a request: ``status`` is the HTTP status, ``message`` what the server said."""

    def __init__(self, method: str, path: str, status: int, message: str) -> None:
        super().__init__(f"{method} {path} answered {status}: {message}")
        self.method = method
        self.path = path
        self.status = status
        self.message = message
