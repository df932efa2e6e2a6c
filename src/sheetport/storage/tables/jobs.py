"""Jobs."""

from __future__ import annotations

from sqlalchemy import Index, Table

from sheetport.storage.tables.base import flag, json, key, metadata, moment, number, text

jobs = Table(
    "jobs",
    metadata,
    key("environment_id"),
    key("id"),
    text("account_id"),
    text("space_id", optional=True),
    text("workbook_id", optional=True),
    text("sheet_id", optional=True),
    text("file_id", optional=True),
    text("type"),
    text("operation"),
    text("source"),
    text("destination", optional=True),
    text("status"),
    text("trigger"),
    text("mode", optional=True),
    number("progress", optional=True),
    text("info", optional=True),
    flag("managed"),
    number("part", optional=True),
    json("part_data"),
    text("part_execution", optional=True),
    text("parent_id", optional=True),
    json("predecessor_ids"),
    json("config"),
    json("input"),
    json("subject"),
    json("outcome"),
    json("result"),
    json("metadata"),
    text("created_by"),
    moment("created_at"),
    moment("updated_at"),
    moment("started_at", optional=True),
    moment("finished_at", optional=True),
    moment("estimated_completion_at", optional=True),
    moment("outcome_acknowledged_at", optional=True),
    moment("acknowledged_at", optional=True),
    moment("announced_at", optional=True),  # when job:ready was told; a job can be ready without
    moment("deadline_at", optional=True),
    moment("deleted_at", optional=True),
    Index("ix_jobs_created_at", "environment_id", "created_at"),
    Index("ix_jobs_source", "environment_id", "source"),
    Index("ix_jobs_parent_id", "environment_id", "parent_id"),
    Index("ix_jobs_deadline_at", "deadline_at"),
)
#: The few jobs that wait, to be looked through whenever one ends.
Index(
    "ix_jobs_waiting",
    jobs.c.environment_id,
    sqlite_where=jobs.c.status == "waiting",
    postgresql_where=jobs.c.status == "waiting",
)
#: What a space has had done, to know whether an embedded one was submitted.
Index(
    "ix_jobs_complete",
    jobs.c.environment_id,
    jobs.c.space_id,
    sqlite_where=jobs.c.status == "complete",
    postgresql_where=jobs.c.status == "complete",
)
