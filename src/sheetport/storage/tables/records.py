"""Records, their sheets' counters, and commits."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, SmallInteger, Table, false

from sheetport.storage.tables.base import JSON_TEXT, RECORD_JSON, json, key, metadata, moment, number, text

#: The row every record write locks first, so that writers of one sheet are serial.
sheet_counters = Table(
    "sheet_counters",
    metadata,
    key("environment_id"),
    Column("sheet_no", BigInteger, primary_key=True, autoincrement=False),
    text("sheet_id"),
    number("next_seq"),
    number("total"),
    number("invalid"),
    Column("commit_no", BigInteger, nullable=False, server_default="0"),
    Column("bytes", BigInteger, nullable=False, server_default="0"),
)

#: One row per record: values by slot, the rest only where there is any. ``format`` lets layouts coexist.
records = Table(
    "records",
    metadata,
    key("environment_id"),
    Column("sheet_no", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("format", SmallInteger, nullable=False),
    Column("valid", Boolean, nullable=False),
    Column("vals", RECORD_JSON, nullable=False),
    Column("ext", JSON_TEXT),
    Column("commit_no", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("size", Integer),  # the bytes of vals and ext as they were written
    sqlite_with_rowid=False,
)
Index(
    "ix_records_invalid",
    records.c.environment_id,
    records.c.sheet_no,
    records.c.seq,
    sqlite_where=records.c.valid == false(),
    postgresql_where=records.c.valid == false(),
)

#: ``first_seq``..``last_seq`` is the range of an insert; ``rows`` is a JSON list of row keys otherwise. A commit is
#: asked for by its id alone, by callers who reach many environments.
commits = Table(
    "commits",
    metadata,
    key("environment_id"),
    key("id"),
    text("sheet_id"),
    number("commit_no"),
    text("kind"),
    number("first_seq", optional=True),
    number("last_seq", optional=True),
    json("rows"),
    text("created_by"),
    moment("created_at"),
    text("completed_by", optional=True),
    moment("completed_at", optional=True),
    Index("ix_commits_id", "id"),
    Index("ix_commits_sheet_id", "environment_id", "sheet_id", "commit_no"),
)
