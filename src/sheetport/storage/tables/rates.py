"""The marks of rate limits, where several processes share them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table

from sheetport.storage.tables.base import key, metadata, number

#: When each bucket is full again, in microseconds since the epoch, and how many calls who asked last was given.
rate_marks = Table(
    "rate_marks",
    metadata,
    key("bucket"),
    key("key"),
    Column("mark", BigInteger, nullable=False, index=True),
    number("granted"),
)
