"""Writes an environment to files, page by page, each page a short transaction of its own."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from sheetport.features.actions import schemas as action_schemas
from sheetport.features.actions import service as actions
from sheetport.features.documents import schemas as document_schemas
from sheetport.features.documents import service as documents
from sheetport.features.events import schemas as event_schemas
from sheetport.features.events import service as events
from sheetport.features.events.model import EventFilter
from sheetport.features.jobs import schemas as job_schemas
from sheetport.features.jobs import service as jobs
from sheetport.features.jobs.model import JobFilter
from sheetport.features.records import service as records
from sheetport.features.records.schemas import render_lines
from sheetport.features.sheets.model import Sheet
from sheetport.features.spaces.model import Space
from sheetport.features.transfers import schemas
from sheetport.features.transfers import service as transfers
from sheetport.features.transfers.model import FORMAT
from sheetport.features.workbooks import schemas as workbook_schemas
from sheetport.features.workbooks import service as workbooks
from sheetport.features.workbooks.model import Workbook, WorkbookFilter
from sheetport.kernel.actor import Actor
from sheetport.kernel.json import dumps
from sheetport.kernel.paging import Page
from sheetport.runtime.transfer.files_out import MANIFEST, OutFile, OutFiles, out_files
from sheetport.storage.unit_of_work import Work

T = TypeVar("T")
#: Records a transaction reads: a few milliseconds of it.
BLOCK = 1_000
_PAGE = 1_000
#: How often a sheet is read again because it changed meanwhile.
_TRIES = 3
_LINE_END = b"\n"
Progress = Callable[[str], None]


class Read(Protocol):
    """Runs a unit of work that only reads."""

    def __call__(self, work: Work[T], /) -> T: ...


def export_environment(
    read: Read, actor: Actor, environment_id: str, target: Path, *, with_events: bool, progress: Progress
) -> dict[str, Any]:
    """Write an environment to ``target``: all of it or nothing. Returns the manifest, decoded.

    ``actor`` is the system's, in that environment. Raises TransferError, NotFound.
    """
    with out_files(target) as files:
        return _Export(read, actor, files, progress).run(environment_id, with_events=with_events)


class _ChangedMeanwhileError(Exception):
    """A sheet was written while it was read: what was read of it is of no one instant."""


class _Export:
    def __init__(self, read: Read, actor: Actor, files: OutFiles, progress: Progress) -> None:
        self._read = read
        self._actor = actor
        self._files = files
        self._progress = progress
        self._counts: Counter[str] = Counter()
        self._changed: list[str] = []

    def run(self, environment_id: str, *, with_events: bool) -> dict[str, Any]:
        outline = self._read(lambda uow: transfers.read_outline(uow, self._actor, environment_id))
        self._add("apps", [schemas.app_file(app) for app in outline.apps])
        self._files.add_json("environment.json", schemas.environment_file(outline.environment))
        if with_events:
            self._lines("events", self._events(environment_id))
        self._lines("jobs", self._jobs(environment_id))
        self._add("secrets", [schemas.entry_file(name) for name in outline.names])
        for space in outline.spaces:
            self._space(space)
        manifest = schemas.Manifest(
            format=FORMAT,
            environment=schemas.NamedEnvironment(id=environment_id, name=outline.environment.name),
            counts=dict(sorted(self._counts.items())),
            changed_during_export=sorted(self._changed),
            files=sorted(self._files.entries, key=lambda entry: entry.path),
        )
        self._files.add_json(MANIFEST, manifest)
        found: dict[str, Any] = msgspec.to_builtins(manifest)
        return found

    def _add(self, noun: str, items: list[Any]) -> None:
        self._counts[noun] = len(items)
        self._files.add_json(f"{noun}.json", items)

    def _lines(self, noun: str, items: Iterable[msgspec.Struct]) -> None:
        self._counts[noun] = 0
        with self._files.writing(f"{noun}.jsonl") as (file,):
            for item in items:
                file.write(msgspec.json.encode(item) + _LINE_END)
                self._counts[noun] += 1

    def _jobs(self, environment_id: str) -> Iterable[job_schemas.JobShape]:
        wanted = JobFilter(environment_id=environment_id, oldest_first=True)
        number = 1
        while True:
            page = Page(number, _PAGE)
            found = self._read(partial(jobs.list_jobs, actor=self._actor, wanted=wanted, page=page))
            yield from (job_schemas.to_shape(job) for job in found.items)
            if len(found.items) < _PAGE:
                return
            number += 1

    def _events(self, environment_id: str) -> Iterable[event_schemas.EventShape]:
        wanted = EventFilter(environment_id=environment_id, include_acknowledged=True)
        while True:
            found = self._read(partial(events.list_events, actor=self._actor, wanted=wanted, page=Page(1, _PAGE)))
            yield from (event_schemas.to_shape(event) for event in found)
            if len(found) < _PAGE:
                return
            wanted = replace(wanted, since=found[-1].id)

    def _space(self, space: Space) -> None:
        self._counts["spaces"] += 1
        folder = f"spaces/{space.id}"
        found_actions = self._read(partial(actions.list_actions, actor=self._actor, space_id=space.id))
        self._counts["actions"] += len(found_actions)
        in_order = sorted(found_actions, key=lambda each: (each.target_id, each.ordinal))
        self._files.add_json(f"{folder}/actions.json", [action_schemas.to_shape(each) for each in in_order])
        found_documents = self._read(partial(documents.list_documents, actor=self._actor, space_id=space.id))
        self._counts["documents"] += len(found_documents)
        shapes = [document_schemas.to_shape(each) for each in found_documents]
        self._files.add_json(f"{folder}/documents.json", shapes)
        self._files.add_json(f"{folder}/space.json", schemas.space_file(space))
        chosen = WorkbookFilter(space_id=space.id)
        found = self._read(partial(workbooks.list_workbooks, actor=self._actor, chosen=chosen))
        for workbook in sorted(found, key=lambda each: each.id):
            self._workbook(f"{folder}/workbooks/{workbook.id}", workbook)

    def _workbook(self, folder: str, workbook: Workbook) -> None:
        """The records first: the workbook's file says how many of them were written."""
        self._counts["workbooks"] += 1
        written = {
            sheet.id: self._sheet(f"{folder}/sheets/{sheet.id}", sheet)
            for sheet in sorted(workbook.sheets or [], key=lambda each: each.id)
        }
        inside = [written[sheet.id] for sheet in workbook.sheets or []]
        self._files.add_json(f"{folder}/workbook.json", workbook_schemas.to_shape(replace(workbook, sheets=inside)))

    def _sheet(self, folder: str, sheet: Sheet) -> Sheet:
        """The sheet with its counters as written. One that changes while it is read is read again."""
        self._counts["sheets"] += 1
        counted, left = sheet, _TRIES
        while left > 0:
            left -= 1
            with suppress(_ChangedMeanwhileError):
                counted = self._whole_sheet(folder, sheet, last_try=left == 0)
                left = 0
        self._counts["records"] += counted.total
        return counted

    def _whole_sheet(self, folder: str, sheet: Sheet, *, last_try: bool) -> Sheet:
        last, version = self._read(partial(records.find_head, actor=self._actor, sheet=sheet))
        with self._files.writing(f"{folder}/records.csv", f"{folder}/records.jsonl") as (table, lines):
            counted = self._rows(sheet, last, table, lines)
            _, after = self._read(partial(records.find_head, actor=self._actor, sheet=sheet))
            if after != version and not last_try:
                raise _ChangedMeanwhileError
        if after != version:
            self._changed.append(sheet.id)
        return counted

    def _rows(self, sheet: Sheet, last: int, table: OutFile, lines: OutFile) -> Sheet:
        total = invalid = after = 0
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, lineterminator="\r\n")
        writer.writerow([field["key"] for field in sheet.config["fields"]])
        while True:
            read = partial(records.read_block, actor=self._actor, sheet=sheet, after=after, last=last, size=BLOCK)
            rows = self._read(read)
            made, values = render_lines(sheet, rows)
            lines.write(b"".join(line + _LINE_END for line in made))
            writer.writerows([_text(value) for value in row] for row in values)
            table.write(buffer.getvalue().encode())
            buffer.seek(0)
            buffer.truncate()
            total += len(rows)
            invalid += sum(not row.valid for row in rows)
            self._progress(f"{self._counts['records'] + total:,} records")
            if len(rows) < BLOCK:
                return replace(sheet, total=total, invalid=invalid)
            after = rows[-1].seq


def _text(value: Any) -> str:
    """A cell of the CSV: text as it is, what is absent as nothing, all else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps(value)
