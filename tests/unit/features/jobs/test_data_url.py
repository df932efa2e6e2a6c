"""Where a sheet's job reads its records: the subject of the job as a query that every client passes on unbroken."""

from __future__ import annotations

from typing import Any

import pytest

from sheetport.features.jobs.model import Job, Status
from sheetport.features.jobs.service.telling import data_url_of


def job(subject: dict[str, Any] | None, sheet_id: str | None = "us_sh_1") -> Job:
    return Job(
        id="us_jb_1",
        environment_id="us_env_1",
        account_id="us_acc_1",
        type="sheet",
        operation="review",
        source=sheet_id or "us_wb_1",
        sheet_id=sheet_id,
        status=Status.READY,
        trigger="manual",
        managed=False,
        created_by="us_usr_1",
        created_at=0,
        updated_at=0,
        subject=subject,
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (None, "filter=all"),
        ({}, "filter=all"),
        ({"ids": ["us_rc_1", "us_rc_2"]}, "ids=us_rc_1&ids=us_rc_2"),
        ({"filter": "error", "for": "bulk", "desc": True, "none": None}, "filter=error&for=bulk&desc=true"),
        ({"q": 'filter:name eq "a&b" 50%'}, 'q=filter:name eq "a%26b" 50%25'),
    ],
)
def test_the_query_of_a_collection_becomes_the_query_of_the_records(query: Any, expected: str) -> None:
    subject = {"type": "collection", "resource": "records", "query": query}
    assert data_url_of(job(subject)) == f"v1/sheets/us_sh_1/records?{expected}"


@pytest.mark.parametrize(
    ("subject", "sheet_id"),
    [(None, "us_sh_1"), ({"type": "resource", "id": "us_sh_1"}, "us_sh_1"), ({"type": "collection"}, None)],
)
def test_a_job_about_no_collection_of_a_sheet_has_none(subject: dict[str, Any] | None, sheet_id: str | None) -> None:
    assert data_url_of(job(subject, sheet_id)) is None
