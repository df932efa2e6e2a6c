"""Every table, one module a slice. Importing this package fills ``metadata``."""

from sheetport.storage.tables import (
    apps,
    audit,
    auth,
    core,
    events,
    jobs,
    quotas,
    records,
    secrets,
    spaces,
    web,
    workbooks,
)
from sheetport.storage.tables.base import metadata

__all__ = [
    "apps",
    "audit",
    "auth",
    "core",
    "events",
    "jobs",
    "metadata",
    "quotas",
    "records",
    "secrets",
    "spaces",
    "web",
    "workbooks",
]
