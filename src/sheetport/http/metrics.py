"""Counting requests, cheaply, and writing what was counted in Prometheus' text format.

A request costs two look-ups and three additions in plain lists; label strings are made when somebody asks.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
#: Upper bounds of the latency buckets, seconds.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: By the first digit of the status; the first is a request whose caller went away before an answer.
CLASSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
UNMATCHED = "unmatched"
_KIND = re.compile(r":\w+\}")


class Row(msgspec.Struct):
    """The requests of one route and method: how many by status class, and their times by bucket."""

    route: str
    method: str
    classes: list[int]
    buckets: list[int]
    seconds: float = 0.0


class Counters:
    """The requests of one process."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Row] = {}
        self._made: dict[tuple[str, str], Row] = {}

    def add(self, route: str, method: str, status: int, seconds: float, *, timed: bool) -> None:
        """Count a request. ``timed`` is false for one that waits on purpose, whose time says nothing."""
        row = self._rows.get((route, method))
        if row is None:
            row = self._row(route, method)
        row.classes[status // 100] += 1
        if timed:
            row.buckets[bisect_left(BUCKETS, seconds)] += 1
            row.seconds += seconds

    def _row(self, route: str, method: str) -> Row:
        """The row of one spelling of a route; remembered by that spelling too, as there are few of them."""
        key = _KIND.sub("}", route), method if method in METHODS else "other"
        row = self._made.get(key)
        if row is None:
            row = self._made[key] = Row(*key, [0] * len(CLASSES), [0] * (len(BUCKETS) + 1))
        if method in METHODS:
            self._rows[route, method] = row
        return row

    def rows(self) -> list[Row]:
        return list(self._made.values())


class Snapshot(msgspec.Struct):
    """What one server process knows of itself. Times are seconds, sizes bytes."""

    worker: int
    requests: list[Row]
    queue_length: int
    queue_turns: int
    queue_waited: float
    subscribers: int
    listeners: int
    resident: int
    cpu: float
    descriptors: int
    started: float


@dataclass(frozen=True, slots=True)
class Shared:
    """What is true of the whole server; None and empty where the database did not answer."""

    version: str
    database: str
    database_up: bool
    outbox_events: int | None = None
    outbox_lag: float | None = None
    jobs: dict[str, int] = field(default_factory=dict)


def render(shared: Shared, snapshots: list[Snapshot]) -> bytes:
    """The page that Prometheus reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Page(shared, snapshots))
    return generate_latest(registry)


class _Page(Collector):
    def __init__(self, shared: Shared, snapshots: list[Snapshot]) -> None:
        self._shared = shared
        self._snapshots = sorted(snapshots, key=lambda each: each.worker)

    def collect(self) -> Iterator[Metric]:
        yield from _of_requests(self._snapshots)
        yield from _of_processes(self._snapshots)
        yield from _of_server(self._shared, len(self._snapshots))


def _of_requests(snapshots: list[Snapshot]) -> Iterator[Metric]:
    labels = ["worker", "route", "method"]
    count = CounterMetricFamily("sheetport_http_requests", "Requests answered.", labels=[*labels, "status"])
    times = HistogramMetricFamily(
        "sheetport_http_request_seconds", "Time to answer; polls and streams, which wait, are left out.", labels=labels
    )
    bounds = [*map(str, BUCKETS), "+Inf"]
    for snapshot in snapshots:
        for row in snapshot.requests:
            values = [str(snapshot.worker), row.route, row.method]
            for name, number in zip(CLASSES, row.classes, strict=True):
                if number:
                    count.add_metric([*values, name], number)
            if any(row.buckets):
                times.add_metric(values, list(zip(bounds, _running(row.buckets), strict=True)), row.seconds)
    yield count
    yield times


def _running(numbers: list[int]) -> Iterator[int]:
    total = 0
    for number in numbers:
        total += number
        yield total


def _of_processes(snapshots: list[Snapshot]) -> Iterator[Metric]:
    gauges = {
        "queue_length": ("sheetport_writer_queue_length", "Writes waiting for their turn."),
        "subscribers": ("sheetport_subscribers", "Long polls and streams that are open."),
        "listeners": ("sheetport_listeners", "Listeners that are connected, between two polls too."),
        "resident": ("sheetport_process_resident_memory_bytes", "Memory of the server process."),
        "descriptors": ("sheetport_process_open_fds", "Open file descriptors."),
        "started": ("sheetport_process_start_time_seconds", "When the process began, since the epoch."),
    }
    for name, (metric, help_text) in gauges.items():
        gauge = GaugeMetricFamily(metric, help_text, labels=["worker"])
        for each in snapshots:
            gauge.add_metric([str(each.worker)], getattr(each, name))
        yield gauge
    waits = SummaryMetricFamily("sheetport_writer_wait_seconds", "Time a write waited for its turn.", labels=["worker"])
    cpu = CounterMetricFamily("sheetport_process_cpu_seconds", "Processor time used.", labels=["worker"])
    for each in snapshots:
        waits.add_metric([str(each.worker)], each.queue_turns, each.queue_waited)
        cpu.add_metric([str(each.worker)], each.cpu)
    yield waits
    yield cpu


def _of_server(shared: Shared, workers: int) -> Iterator[Metric]:
    build = {"version": shared.version, "database": shared.database}
    yield InfoMetricFamily("sheetport_build", "What runs here.", value=build)
    yield GaugeMetricFamily("sheetport_workers", "Server processes that answered this scrape.", workers)
    yield GaugeMetricFamily("sheetport_database_up", "Whether the database answers.", int(shared.database_up))
    if shared.outbox_events is not None and shared.outbox_lag is not None:
        yield GaugeMetricFamily(
            "sheetport_outbox_events", "Committed events that have no position yet.", shared.outbox_events
        )
        yield GaugeMetricFamily("sheetport_outbox_lag_seconds", "Age of the oldest of them.", shared.outbox_lag)
    jobs = GaugeMetricFamily("sheetport_jobs", "Jobs by status, counted anew every 15 seconds.", labels=["status"])
    for status, number in sorted(shared.jobs.items()):
        jobs.add_metric([status], number)
    yield jobs
