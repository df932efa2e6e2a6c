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
