"""AWS KMS: a symmetric key of the account wraps the key file.

Credentials, region and endpoint are found as every AWS tool finds them (environment, profile, instance role).
"""

from __future__ import annotations

from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from sheetport.kernel.wrapped import ProviderError

_CONFIG = Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 3, "mode": "standard"})
#: Bound to what is wrapped, and shown in the trail of the service.
_CONTEXT = {"purpose": "sheetport key file"}


class AwsKms:
    """One KMS key, by id, ARN or alias."""

    def __init__(self, client: Any, key: str) -> None:
        self._client = client
        self._key = key

    def wrap(self, key: bytes) -> bytes:
        return bytes(self._call("encrypt", Plaintext=key)["CiphertextBlob"])

    def unwrap(self, wrapped: bytes) -> bytes:
        return bytes(self._call("decrypt", CiphertextBlob=wrapped)["Plaintext"])

    def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, operation)(KeyId=self._key, EncryptionContext=_CONTEXT, **arguments)
        except ClientError as error:
            reason = error.response.get("Error", {}).get("Code", "an error")
        except BotoCoreError as error:
            reason = type(error).__name__
        raise ProviderError(
            f"AWS KMS did not {operation} with {self._key} ({reason}). See that the key exists and is enabled, and "
            f"that the server's credentials and region allow kms:{operation.capitalize()}."
        )


def open_provider(key: str) -> AwsKms:
    """Raises ProviderError where no region or client can be found."""
    try:
        return AwsKms(boto3.client("kms", config=_CONFIG), key)
    except BotoCoreError as error:
        reason = type(error).__name__
    raise ProviderError(f"AWS KMS cannot be reached ({reason}). Set AWS_REGION and the credentials of the server.")
