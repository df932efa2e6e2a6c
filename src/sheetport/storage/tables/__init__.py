"""Every table, one module a slice. Importing this package fills ``metadata``."""

from sheetport.storage.tables import (
    actions,
    apps,
    audit,
    auth,
    core,
    documents,
    events,
    jobs,
    logins,
    mail,
    quotas,
    records,
    secrets,
    spaces,
    versions,
    web,
    workbooks,
)
from sheetport.storage.tables.base import metadata

__all__ = [
    "actions",
    "apps",
    "audit",
    "auth",
    "core",
    "documents",
    "events",
    "jobs",
    "logins",
    "mail",
    "metadata",
    "quotas",
    "records",
    "secrets",
    "spaces",
    "versions",
    "web",
    "workbooks",
]
