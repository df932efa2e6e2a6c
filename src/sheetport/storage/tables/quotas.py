"""What each environment has used and may use, and sheets whose records are still to be swept."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table

from sheetport.storage.tables.base import key, metadata, moment, number

#: One narrow row an environment, locked last by every write of records. A limit that is null is the server's.
quotas = Table(
    "quotas",
    metadata,
    key("environment_id"),
    number("rows"),
    number("bytes"),
    number("day"),  # the day, counted from the epoch, that spaces_made counts
    number("spaces_made"),
    number("rows_limit", optional=True),
    number("bytes_limit", optional=True),
    number("spaces_limit", optional=True),
    number("streams_limit", optional=True),
)

#: Sheets that are gone, counters and all, while their records still take place.
gone_sheets = Table(
    "gone_sheets",
    metadata,
    key("environment_id"),
    Column("sheet_no", BigInteger, primary_key=True, autoincrement=False),
    moment("gone_at"),
)
