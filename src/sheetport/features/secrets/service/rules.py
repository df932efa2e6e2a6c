"""What names, values and actors may be."""

from __future__ import annotations

import re
import unicodedata

from sheetport.features.secrets.service.sealing import MAX_BYTES
from sheetport.kernel.errors import Invalid, TooLarge

MAX_NAME = 255
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


def check_text(text: str, key: str) -> None:
    """Raise Invalid for control characters and for more than 255 characters."""
    if len(text) > MAX_NAME:
        raise Invalid(f"{key} must have at most {MAX_NAME} characters.", key)
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise Invalid(f"{key} holds a control character, such as a line break or tab: remove it.", key)


def _check_size(value: str) -> None:
    if len(value.encode()) > MAX_BYTES:
        raise TooLarge(f"value has more than {MAX_BYTES // 1024} KiB; store it as a file or split it.", "value")
