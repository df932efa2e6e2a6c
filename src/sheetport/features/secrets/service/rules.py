"""What names, values and actors may be."""

from __future__ import annotations

import re
import unicodedata

from sheetport.features.secrets.model import Label
from sheetport.features.secrets.service.sealing import MAX_BYTES
from sheetport.kernel.errors import Invalid, TooLarge

MAX_NAME = 255
#: Of a value that is made: 62^22 is more than 2^128, and the default more than 2^256.
MIN_LENGTH, DEFAULT_LENGTH, MAX_LENGTH = 22, 43, 1_024
MAX_OVERLAP = 30 * 24 * 3_600
MAX_DAYS = 3_650
_READABLE = (Label.CURRENT.value, Label.PREVIOUS.value, Label.PENDING.value)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
#: What `sheetport run` sets itself.
_OURS = re.compile(r"FLATFILE_.*|AGENT_INTERNAL_URL", re.IGNORECASE)
#: What makes a shell, a linker or an interpreter load code before the program starts. Whoever may write variables
#: of an environment must not thereby run code on the machines of those who start programs in it.
_LOADERS = re.compile(
    r"PATH|IFS|BASH_ENV|BASH_FUNC_.*|LD_.*|DYLD_.*|NODE_OPTIONS|NODE_PATH|PYTHON.*|PERL5?LIB"
    r"|PERL5OPT|RUBYOPT|RUBYLIB|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS",
    re.IGNORECASE,
)


def check_secret(name: str, value: str) -> None:
    """Raise Invalid or TooLarge unless a secret may have this name and value."""
    check_text(name, "name")
    if not name.strip():
        raise Invalid("name must have 1 to 255 characters, not only spaces.", "name")
    if not value:
        message = "value must not be empty: listeners take an empty secret for a missing one. Delete it instead."
        raise Invalid(message, "value")
    _check_size(value)


def check_variable(name: str, value: str) -> None:
    """Raise Invalid or TooLarge unless an environment variable may have this name and value."""
    if not _VARIABLE.fullmatch(name):
        message = "name must be 1 to 255 letters, digits and underscores, and not begin with a digit."
        raise Invalid(message, "name")
    if _OURS.fullmatch(name):
        raise Invalid(f"{name} is set by the server; choose a name outside FLATFILE_ and AGENT_INTERNAL_URL.", "name")
    if _LOADERS.fullmatch(name):
        raise Invalid(f"{name} changes how programs are loaded; set it on the machine that runs the program.", "name")
    if "\0" in value:
        raise Invalid("value holds a NUL character, which no environment variable can: remove it.", "value")
    _check_size(value)


def check_label(label: str | None) -> Label:
    """The label of the versions that a reader wants. Raises Invalid."""
    if label not in {None, *_READABLE}:
        raise Invalid(f"label must be one of {', '.join(_READABLE)}.", "label")
    return Label(label or Label.CURRENT)


def check_listener(listener: str | None) -> str | None:
    """What a reader calls itself, for the audit log. Raises Invalid."""
    if listener:
        check_text(listener, "X-Listener")
    return listener or None


def check_length(length: int | None, value: str | None) -> int:
    """How long a value that is made is to be. Raises Invalid."""
    if length is not None and value is not None:
        raise Invalid("Give value, or the length of one to be made, not both.", "length")
    if length is not None and not MIN_LENGTH <= length <= MAX_LENGTH:
        raise Invalid(f"length must be a whole number from {MIN_LENGTH} to {MAX_LENGTH}.", "length")
    return length or DEFAULT_LENGTH


def check_overlap(overlap: int) -> None:
    """Raise Invalid unless a previous version may be given out for so many seconds."""
    if not 0 <= overlap <= MAX_OVERLAP:
        raise Invalid(f"overlapSeconds must be a whole number from 0 to {MAX_OVERLAP} (30 days).", "overlapSeconds")


def check_days(days: int | None) -> None:
    """Raise Invalid unless a secret may be rotated every so many days."""
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise Invalid(f"days must be a whole number from 1 to {MAX_DAYS}, or null for no schedule.", "days")


def check_request_key(key: str) -> None:
    """Raise Invalid unless a call may be known by this key."""
    check_text(key, "Idempotency-Key")
    if not key:
        raise Invalid("Idempotency-Key is empty; send a text of your own making, or leave it out.", "Idempotency-Key")


def check_text(text: str, key: str) -> None:
    """Raise Invalid for control characters and for more than 255 characters."""
    if len(text) > MAX_NAME:
        raise Invalid(f"{key} must have at most {MAX_NAME} characters.", key)
    if not text.isprintable() and any(unicodedata.category(character) == "Cc" for character in text):
        raise Invalid(f"{key} holds a control character, such as a line break or tab: remove it.", key)


def _check_size(value: str) -> None:
    if len(value.encode()) > MAX_BYTES:
        raise TooLarge(f"value has more than {MAX_BYTES // 1024} KiB; store it as a file or split it.", "value")
