"""docs/reference/limits.md says what the code does: each limit by its constant, each setting by its variable."""

from __future__ import annotations

import re

from architecture.sources import ROOT
from sheetport.config import MEBIBYTE, QUOTA_VARIABLES, EventSettings, HttpSettings, QuotaSettings
from sheetport.features.auth.service import keys, password_rules
from sheetport.features.jobs.model import MAX_PARTS
from sheetport.features.quotas.model import Quota
from sheetport.features.records import service as records
from sheetport.features.secrets.service import rules, sealing
from sheetport.features.sheets.schemas import fields
from sheetport.features.spaces import service as spaces
from sheetport.http import front
from sheetport.kernel import paging, storable
from sheetport.kernel.clock import DAY

PAGE = (ROOT / "docs" / "reference" / "limits.md").read_text()
QUOTAS, HTTP, EVENTS = QuotaSettings(), HttpSettings(), EventSettings()
#: The page's name of each limit, and what it is by default.
LIMITS = {
    "`rows`": f"{QUOTAS.rows:,}",
    "`bytes`": f"{QUOTAS.bytes // 2**30} GiB",
    "`spaces-a-day`": f"{QUOTAS.spaces_a_day:,}",
    "`streams`": f"{QUOTAS.streams:,}",
    "pages that may use it": "any",
    "origins of its list": f"{keys.MAX_ORIGINS}",
    "life of a space that nobody submits": f"{QUOTAS.embed_hours} hours",
    "an expired space is deleted after": f"{spaces.KEPT_EXPIRED // DAY} days",
    "body as sent": f"{HTTP.body_limit // MEBIBYTE} MiB",
    "body inflated from gzip": f"{HTTP.inflated_limit // MEBIBYTE} MiB",
    "pause between two parts of a body": f"{front.PAUSE_SECONDS:.0f} seconds",
    "page of a list": f"{paging.MAX_PAGE_SIZE:,}",
    "page of records": f"{records.PAGE_LIMIT:,}",
    "number of a page": f"{paging.MAX_PAGE_NUMBER:,}",
    "records of one insert or update": f"{records.WRITE_LIMIT:,}",
    "record ids of one read or delete": f"{records.IDS_LIMIT}",
    "nesting of JSON": f"{storable.MAX_DEPTH} levels",
    "constraints of a field": f"{fields.MAX_CONSTRAINTS}",
    "value of a secret or variable": f"{sealing.MAX_BYTES // 1024} KiB",
    "name of a secret or variable": f"{rules.MAX_NAME} characters",
    "parts of a job": f"{MAX_PARTS:,}",
    "password, at least": f"{password_rules.MIN_LENGTH} characters",
    "password, at most": f"{password_rules.MAX_LENGTH} characters",
    "search for spaces": f"{spaces.MAX_SEARCH} characters",
    "events kept": f"{EVENTS.days} days",
    "hold of a poll": f"{EVENTS.hold_seconds:.0f} seconds",
}


def rows() -> list[list[str]]:
    """The cells of every row of the page's tables, without their heads."""
    lines = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line] for line in lines if line[0].strip() != "Limit"]


def test_every_limit_is_what_the_code_says() -> None:
    assert {row[0]: row[1] for row in rows()} == LIMITS


def test_every_setting_is_named_and_nothing_else() -> None:
    named = set(re.findall(r"SHEETPORT_\w+", " ".join(row[2] for row in rows())))
    assert named == {*QUOTA_VARIABLES.values(), "SHEETPORT_EVENT_DAYS", "SHEETPORT_POLL_SECONDS"}
    assert set(QUOTA_VARIABLES) == set(QuotaSettings.__dataclass_fields__)
    assert {f"`{quota}`" for quota in Quota} <= {row[0] for row in rows()}


def test_the_variables_page_knows_the_settings() -> None:
    page = (ROOT / "docs" / "howto" / "environment-variables.md").read_text()
    assert {name for name in QUOTA_VARIABLES.values() if f"`{name}`" not in page} == set()
