"""The stored sign-in: one token in a file that only its owner may read."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sheetport import NAME
from sheetport.cli.errors import CommandError


@dataclass(frozen=True, slots=True)
class Login:
    """Where and as whom; ``expires`` is ISO 8601."""

    url: str
    email: str
    token: str = field(repr=False)
    token_id: str
    expires: str


def login_path() -> Path:
    """``credentials.json`` in the user's configuration folder."""
    chosen = os.environ.get("XDG_CONFIG_HOME")
    return (Path(chosen) if chosen else Path.home() / ".config") / NAME.lower() / "credentials.json"


def read_login() -> Login | None:
    """The stored sign-in; None when there is none or its time is over. Raises CommandError when it is unreadable."""
    path = login_path()
    try:
        stored = json.loads(path.read_text())
        login = Login(**{name: str(stored[name]) for name in Login.__dataclass_fields__})
        expires = datetime.fromisoformat(login.expires)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError):
        raise CommandError(f"{path} cannot be used. Sign in again with 'sheetport login', or delete it.") from None
    return login if expires > datetime.now(UTC) else None


def write_login(login: Login) -> Path:
    """Store the sign-in, 0600, in the place of an earlier one."""
    path = login_path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)  # mkstemp's files are 0600
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(login), file)
    Path(temporary).replace(path)
    return path


def delete_login() -> bool:
    """Forget the sign-in; whether there was one."""
    path = login_path()
    existed = path.exists()
    path.unlink(missing_ok=True)
    return existed
