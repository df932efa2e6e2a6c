"""What every table is made of.

Times are milliseconds since the epoch. Text compares by code point on both databases. JSON is stored as
the text it is, but for record values, which PostgreSQL keeps as jsonb so that it can look inside.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
JSON_TEXT = Text()
RECORD_JSON = Text().with_variant(JSONB(), "postgresql")


def key(name: str) -> Column[str]:
    """A part of the primary key."""
    return Column(name, TEXT, primary_key=True)


def text(name: str, *, optional: bool = False) -> Column[str]:
    return Column(name, TEXT, nullable=optional)


def json(name: str, *, optional: bool = True) -> Column[str]:
    return Column(name, JSON_TEXT, nullable=optional)


def moment(name: str, *, optional: bool = False) -> Column[int]:
    """Milliseconds since the epoch."""
    return Column(name, BigInteger, nullable=optional)


def number(name: str, *, optional: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=optional)


def flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def binary(name: str, *, optional: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=optional)
