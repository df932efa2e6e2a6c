"""The anchor: a small file in a folder of its own, outside data and backups, that remembers how far the log had come.

Database and log may be set back to an older state together; the anchor is what then tells.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from sheetport.kernel.crypto import KeyRing, is_signed

FORMAT = "sheetport-anchor-1"


class AnchorError(Exception):
    """The anchor cannot be used; the message says why and what to do."""


class Place(NamedTuple):
    """How far a chain had come."""

    chain: str
    position: int
    hash: bytes


class _File(msgspec.Struct, rename="camel"):
    format: str
    at: int
    security_epoch: int
    chains: dict[str, tuple[int, str]]
    secret_roots: dict[str, str]
    signature: str = ""

    def text(self) -> str:
        """What the signature is over."""
        return msgspec.json.encode({**msgspec.to_builtins(self), "signature": ""}, order="deterministic").decode()


@dataclass(frozen=True, slots=True)
class Anchor:
    """What an anchor's file says. ``secret_roots`` are hexadecimal, by environment."""

    file: Path
    at: int
    security_epoch: int
    heads: Sequence[Place]
    secret_roots: dict[str, str] = field(default_factory=dict)


def anchor_file(folder: Path, keys: KeyRing) -> Path:
    """The file of the server with these keys: several servers may share a folder."""
    return folder / f"sheetport-{keys.check_value()[:16]}.anchor"


def read_anchor(folder: Path, keys: KeyRing) -> Anchor | None:
    """The anchor; None before the first. Raises AnchorError."""
    path = anchor_file(folder, keys)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AnchorError(f"The anchor {path} cannot be read: {error.strerror}.") from None
    except msgspec.DecodeError:
        raise AnchorError(f"The anchor {path} is damaged.") from None
    signature = bytes.fromhex(found.signature) if len(found.signature) == 128 else b""
    if found.format != FORMAT or not is_signed(keys.audit_public_key, signature, found.text()):
        raise AnchorError(f"The anchor {path} is not signed by this server's key.")
    heads = [Place(chain, position, bytes.fromhex(said)) for chain, (position, said) in found.chains.items()]
    return Anchor(path, found.at, found.security_epoch, heads, found.secret_roots)


def write_anchor(
    folder: Path, keys: KeyRing, at: int, epoch: int, heads: Sequence[Place], secret_roots: dict[str, str]
) -> None:
    """Put a new anchor in the place of the old one, durably. Raises OSError."""
    chains = {head.chain: (head.position, head.hash.hex()) for head in heads}
    made = _File(FORMAT, at, epoch, chains, secret_roots)
    made.signature = keys.sign_audit(made.text()).hex()
    path = anchor_file(folder, keys)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    handle = os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
