"""Refusals of calls that come too often."""

from __future__ import annotations

from sheetport.kernel.errors import TooMany
from sheetport.kernel.rates import Bucket, Verdict

_WHOSE = {
    Bucket.ADDRESS: "from this address",
    Bucket.ACCOUNT: "with tokens of this account",
    Bucket.READS: "that read, with this token",
    Bucket.WRITES: "that write, with this token",
    Bucket.STREAMS: "that follow events, with this token",
}


def too_often(verdict: Verdict) -> TooMany:
    """The refusal of one call too many."""
    rate, bucket = verdict.rate, verdict.bucket
    whose = _WHOSE.get(bucket, f"of this kind ({bucket})")
    return TooMany(
        f"There may be {rate.calls:,} calls in {rate.seconds:,} seconds {whose}. Wait {verdict.retry_after} seconds,"
        " as Retry-After says, and call more evenly.",
        bucket,
        retry_after=verdict.retry_after,
    )
