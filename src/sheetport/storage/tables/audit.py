"""The audit log: records, the chains that seal them, and what is known of the persons in them.

On SQLite the chains, and the records of what was only read, lie in a file of their own (see ``LOG_TABLES``), so that
a reading never waits for bulk work. On PostgreSQL all of it is in the one database.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table

from sheetport.storage.tables.base import binary, json, key, metadata, moment, number, text

#: ``format`` says how the record's sealed text is spelled. ``commitments`` stand in that text for what ``personal``
#: holds under the key of ``subject``. ``seq`` is the order of commit on SQLite. A ``chain_position`` is there once a
#: record is known to be sealed in this database.
audit_records = Table(
    "audit_records",
    metadata,
    key("environment_id"),  # the empty text for what belongs to the account as a whole
    key("id"),
    text("account_id"),
    text("actor_kind"),
    text("actor_id"),
    text("token_id"),
    text("action"),
    text("target", optional=True),
    json("detail"),
    moment("created_at"),
    number("chain_position", optional=True),
    binary("chain_hash", optional=True),
    moment("sealed_at", optional=True),
    number("seq", optional=True),
    Column("format", BigInteger, nullable=False, server_default="1"),
    text("request_id", optional=True),
    text("agent", optional=True),
    text("subject", optional=True),
    json("commitments"),
    binary("personal", optional=True),
    Index("ix_audit_records_created_at", "account_id", "created_at"),
)
Index(
    "ix_audit_records_unsealed",
    audit_records.c.seq,
    sqlite_where=audit_records.c.chain_position.is_(None),
    postgresql_where=audit_records.c.chain_position.is_(None),
)

#: One row a sealed record, in its chain's order. A chain is an environment's, an account's, or the word ``server``.
audit_links = Table(
    "audit_links",
    metadata,
    key("chain"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    text("record_id"),
    binary("digest"),
    binary("hash"),
    number("source_seq", optional=True),
    moment("sealed_at"),
)
Index(
    "ix_audit_links_source_seq",
    audit_links.c.source_seq,
    sqlite_where=audit_links.c.source_seq.is_not(None),
    postgresql_where=audit_links.c.source_seq.is_not(None),
)

#: The newest link of each chain, signed. What is at or below ``base_position`` has been pruned.
audit_heads = Table(
    "audit_heads",
    metadata,
    key("chain"),
    text("account_id"),
    number("position"),
    binary("hash"),
    moment("sealed_at"),
    binary("signature"),
    number("base_position"),
    number("checkpoint_position"),
    moment("checkpoint_at"),
)

#: Heads that are kept.
audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    key("chain"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    text("account_id"),
    binary("hash"),
    moment("sealed_at"),
    binary("signature"),
)

#: The sealed key under which a person's data in audit records lies; an erased one's key is gone.
audit_subjects = Table(
    "audit_subjects",
    metadata,
    key("account_id"),
    key("subject"),
    binary("nonce", optional=True),
    binary("sealed_key", optional=True),
    moment("created_at"),
    moment("erased_at", optional=True),
)

#: From where each credential has been used, as keyed hashes.
audit_addresses = Table("audit_addresses", metadata, key("credential_id"), key("address"), moment("first_seen_at"))

#: What the main database has heard of each chain: a log that lacks this has been set back.
audit_marks = Table("audit_marks", metadata, key("chain"), number("position"), binary("hash"), moment("marked_at"))

#: What lies in the log's own file on SQLite.
LOG_TABLES = (audit_records, audit_links, audit_heads, audit_checkpoints, audit_marks)


def names(table: Table) -> tuple[str, ...]:
    """The names of a table's columns."""
    return tuple(column.name for column in table.columns)
