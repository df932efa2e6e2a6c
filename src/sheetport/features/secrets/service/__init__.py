"""What may be done with secrets and environment variables."""

from __future__ import annotations

from sheetport.features.secrets.service.secrets import delete_secret, list_names, list_secrets, upsert_secret
from sheetport.features.secrets.service.variables import delete_variable, list_variables, set_variable

__all__ = [
    "delete_secret",
    "delete_variable",
    "list_names",
    "list_secrets",
    "list_variables",
    "set_variable",
    "upsert_secret",
]
