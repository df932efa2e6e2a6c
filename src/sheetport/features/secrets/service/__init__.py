"""What may be done with secrets and environment variables."""

from __future__ import annotations

from sheetport.features.secrets.service.history import list_versions, list_versions_at, search_names
from sheetport.features.secrets.service.rekeying import (
    Progress,
    begin_rekey,
    list_keks_in_use,
    rekey_environment,
    resume_rekeys,
    rewrap_data_keys,
)
from sheetport.features.secrets.service.roots import (
    accept_secrets,
    list_secret_roots,
    secret_root,
    verify_secrets,
    watch_secrets,
)
from sheetport.features.secrets.service.rotating import promote_secret, roll_back_secret, rotate_secret
from sheetport.features.secrets.service.scheduling import REMINDED, remind, set_schedule
from sheetport.features.secrets.service.secrets import delete_secret, list_names, list_secrets, upsert_secret
from sheetport.features.secrets.service.variables import delete_variable, list_variables, set_variable

__all__ = [
    "REMINDED",
    "Progress",
    "accept_secrets",
    "begin_rekey",
    "delete_secret",
    "delete_variable",
    "list_keks_in_use",
    "list_names",
    "list_secret_roots",
    "list_secrets",
    "list_variables",
    "list_versions",
    "list_versions_at",
    "promote_secret",
    "rekey_environment",
    "remind",
    "resume_rekeys",
    "rewrap_data_keys",
    "roll_back_secret",
    "rotate_secret",
    "search_names",
    "secret_root",
    "set_schedule",
    "set_variable",
    "upsert_secret",
    "verify_secrets",
    "watch_secrets",
]
