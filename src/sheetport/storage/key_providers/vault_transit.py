"""Vault or OpenBao: a key of a transit engine wraps the key file.

``VAULT_ADDR`` says where it is, ``VAULT_TOKEN`` or ``VAULT_TOKEN_FILE`` is the token, ``VAULT_NAMESPACE`` and
``VAULT_CACERT`` are read as the service's own tool reads them, ``VAULT_TRANSIT_MOUNT`` is the engine's path (transit).
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import Any

import hvac  # type: ignore[import-untyped]
import requests
from hvac.exceptions import VaultError  # type: ignore[import-untyped]

from sheetport.config import ConfigError, secret_setting
from sheetport.kernel.wrapped import ProviderError

_SECONDS = 5


class VaultTransit:
    """One key of a transit engine, by name."""

    def __init__(self, client: Any, key: str, mount: str) -> None:
        self._client = client
        self._key = key
        self._mount = mount

    def wrap(self, key: bytes) -> bytes:
        return self._call("encrypt", plaintext=base64.b64encode(key).decode()).encode()

    def unwrap(self, wrapped: bytes) -> bytes:
        try:
            return base64.b64decode(self._call("decrypt", ciphertext=wrapped.decode()), validate=True)
        except (binascii.Error, UnicodeDecodeError):
            raise ProviderError(f"Transit key {self._key} did not give a key back: the file was altered.") from None

    def _call(self, operation: str, **arguments: str) -> str:
        call = getattr(self._client.secrets.transit, f"{operation}_data")
        try:
            answer = call(name=self._key, mount_point=self._mount, **arguments)
            return str(answer["data"]["ciphertext" if operation == "encrypt" else "plaintext"])
        except VaultError as error:
            reason = type(error).__name__
        except requests.RequestException as error:
            reason = type(error).__name__
        except (KeyError, TypeError):
            reason = "an answer of another shape"
        raise ProviderError(
            f"The transit engine did not {operation} with {self._mount}/{self._key} ({reason}). See that VAULT_ADDR "
            f"leads there, and that the token may update {self._mount}/{operation}/{self._key}."
        )


def open_provider(key: str) -> VaultTransit:
    """Raises ProviderError where the address or the token is not set."""
    try:
        token = secret_setting("VAULT_TOKEN")
    except ConfigError as error:
        raise ProviderError(str(error)) from None
    address = os.environ.get("VAULT_ADDR")
    if not address or not token:
        raise ProviderError("Set VAULT_ADDR, and VAULT_TOKEN or VAULT_TOKEN_FILE, for the key service.")
    client = hvac.Client(url=address, token=token, timeout=_SECONDS, namespace=os.environ.get("VAULT_NAMESPACE"))
    return VaultTransit(client, key, os.environ.get("VAULT_TRANSIT_MOUNT", "transit"))
