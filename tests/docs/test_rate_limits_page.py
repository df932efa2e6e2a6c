"""docs/reference/rate-limits.md says what the code does: each bucket with its default and its variable."""

from __future__ import annotations

import re

from architecture.sources import ROOT
from sheetport.config import DEFAULT_RATES, rate_variable
from sheetport.features.attempts import model as attempts
from sheetport.kernel.clock import MINUTE
from sheetport.kernel.rates import Bucket

PAGE = (ROOT / "docs" / "reference" / "rate-limits.md").read_text()


def test_the_page_lists_every_bucket_as_it_is() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| ([\d,]+) in (\d+) s \| `(\w+)` \|$", PAGE, re.MULTILINE)
    told = {name: (int(calls.replace(",", "")), int(seconds), variable) for name, calls, seconds, variable in rows}
    assert told == {bucket: (*DEFAULT_RATES[bucket], rate_variable(bucket)) for bucket in Bucket}


def test_the_page_lists_how_many_failures_are_borne() -> None:
    rows = re.findall(r"^\| [^|]+ \| (\d+) \| (\d+) minutes \|$", PAGE, re.MULTILINE)
    bounds = [
        *(attempts.FROM_NETWORK, attempts.FROM_ANYWHERE, attempts.OF_NETWORK, attempts.OF_DEVICE),
        *(attempts.OF_CODE, attempts.OF_RESETS),
    ]
    assert rows == [(str(bound.failures), str(bound.window // MINUTE)) for bound in bounds]
