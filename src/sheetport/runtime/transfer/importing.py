"""Makes a new environment of the files of an export, with ids of its own.

This side reads, checks and translates; whoever has the database (``Server``) only stores.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import msgspec

from sheetport.features.actions.model import Action
from sheetport.features.apps.model import App
from sheetport.features.documents.model import Document
from sheetport.features.environments.model import Environment
from sheetport.features.jobs.model import Job
from sheetport.features.places.model import Place
from sheetport.features.records.codec import parse_record_id, record_id, size_of
from sheetport.features.records.model import RecordRow
from sheetport.features.records.schemas import parse_line
from sheetport.features.sheets.model import Sheet
from sheetport.features.spaces.model import Space
from sheetport.features.transfers import schemas
from sheetport.features.transfers.model import Draft, PlacedSheet
from sheetport.features.workbooks.model import Workbook
from sheetport.kernel.clock import SystemClock
from sheetport.kernel.errors import Invalid
from sheetport.kernel.ids import new_id, routing_tag
from sheetport.kernel.json import loads
from sheetport.runtime.transfer.files_in import InFiles

T = TypeVar("T")
#: A batch of records ends at so many, or at so many bytes.
BATCH_ROWS = 500
BATCH_BYTES = 4 * 1024 * 1024
Progress = Callable[[str], None]


class Server(Protocol):
    """Whoever has the database: the running server over its local socket, or this process itself."""

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Report:
    """What was made: ``answer`` is the server's, with the keys; ``counts`` by noun; ``entries`` to be set by hand.

    ``ids`` is the new id of everything but records by its old one.
    """

    answer: dict[str, Any]
    name: str
    counts: dict[str, int]
    entries: list[schemas.EntryFile]
    remarks: list[str]
    ids: dict[str, str]


def import_environment(
    files: InFiles, server: Server, *, account: str | None, name: str | None, progress: Progress
) -> Report:
    """Make the environment, or nothing. ``name`` is by default the one it had.

    Raises TransferError, and what ``server`` raises.
    """
    described = files.parsed("environment.json", lambda value: schemas.parse_environment(value, "", ""))
    named = replace(described, name=name or described.name)
    sheet_count = sum(path.endswith("/records.jsonl") for path in files.names)
    begun = server.call("begin-import", account=account, name=named.name, sheetCount=sheet_count)
    environment = replace(named, id=begun["environmentId"], account_id=begun["accountId"])
    try:
        return _Import(files, server, environment, progress).run()
    except BaseException:
        with suppress(Exception):  # what cannot be given up now is swept later
            server.call("give-up-import", environmentId=environment.id)
        raise


class _Import:
    def __init__(self, files: InFiles, server: Server, environment: Environment, progress: Progress) -> None:
        self._files = files
        self._server = server
        self._environment = environment
        self._owner = (environment.id, environment.account_id)
        self._progress = progress
        old = files.manifest.environment.id
        self._ids = {old: environment.id}
        tag = re.escape(routing_tag(old).encode())
        self._old_id = re.compile(rb"us_(?:env|sp|wb|sh|rc|jb|dc|fl|act)_" + tag + rb"[0-9A-Za-z]{12}")
        #: (routing tag, sheet number) of old record ids, and the number their sheet has now.
        self._numbers: dict[tuple[str, int], int] = {}
        #: The new id of a thing, and where it lies.
        self._places: dict[str, Place] = {}
        #: How many things of a kind hold old ids where nobody knows what they mean.
        self._left: Counter[str] = Counter()
        self._records = 0

    def run(self) -> Report:
        now, account_id = SystemClock().now(), self._environment.account_id
        apps = self._items("apps.json", lambda value, at: schemas.parse_app(value, account_id, now, at))
        entries = self._items("secrets.json", lambda value, at: schemas.parse_file(schemas.EntryFile, value, at))
        draft = self._draft(apps)
        self._progress("publishing")
        answer = self._server.call("publish-import", draft=msgspec.to_builtins(draft))
        counts = {
            "spaces": len(draft.spaces),
            "workbooks": len(draft.workbooks),
            "sheets": len(draft.sheets),
            "records": self._records,
            "documents": len(draft.documents),
            "actions": len(draft.actions),
            "jobs": len(draft.jobs),
        }
        here = [msgspec.structs.replace(entry, space_id=self._told(entry.space_id)) for entry in entries]
        remarks = [*answer["remarks"], *self._remarks()]
        return Report(answer, self._environment.name, counts, here, remarks, self._ids)

    def _draft(self, apps: list[App]) -> Draft:
        """Everything of the environment, under its new ids; the records are stored on the way."""
        spaces = [self._space(path) for path in self._named("/space.json")]
        books = [self._workbook(path) for path in self._named("/workbook.json")]
        documents = [one for path in self._named("/documents.json") for one in self._documents(path)]
        sheets = self._sheets([pair for _, inside in books for pair in inside])
        actions = [one for path in self._named("/actions.json") for one in self._actions(path)]
        jobs = self._jobs()
        held = Counter(workbook.space_id for workbook, _ in books)
        draft = Draft(
            environment=self._environment,
            apps=apps,
            spaces=[self._linked(space, held[space.id]) for space in spaces],
            workbooks=[replace(workbook, settings=self._told(workbook.settings)) for workbook, _ in books],
            sheets=sheets,
            documents=documents,
            actions=actions,
            jobs=jobs,
        )
        for noun in ("spaces", "workbooks", "sheets", "documents", "actions", "jobs"):
            for one in getattr(draft, noun):
                self._look_for_old_ids(noun, msgspec.json.encode(one))
        return draft

    # ---- reading --------------------------------------------------------------------------------

    def _named(self, ending: str) -> list[str]:
        return [path for path in self._files.names if path.endswith(ending)]

    def _items(self, path: str, parse: Callable[[Any, str], T]) -> list[T]:
        def each(value: Any) -> list[T]:
            if not isinstance(value, list):
                raise Invalid("expected an array.")
            return [parse(item, f"[{index}]") for index, item in enumerate(value)]

        return self._files.parsed(path, each)

    def _renamed(self, path: str, kind: str, old: str, folder: str | None = None) -> str:
        """A new id in the place of ``old``, which must be that of its folder and new to us."""
        if folder not in {None, old}:
            raise self._files.fault(path, None, f"id: {old[:60]!r} is not the {folder!r} of its folder.")
        if old in self._ids:
            raise self._files.fault(path, None, f"id: {old[:60]!r} comes twice in this export.")
        made = self._ids[old] = new_id(kind, self._environment.id)
        return made

    def _inside(self, path: str, old: str, word: str) -> str:
        """The new id of what the thing of ``path`` says that it lies in."""
        if old not in self._ids:
            raise self._files.fault(path, None, f"{word}: there is no {old[:60]!r} in this export.")
        return self._ids[old]

    def _space(self, path: str) -> Space:
        space = self._files.parsed(path, lambda value: schemas.parse_space(value, *self._owner))
        space = msgspec.structs.replace(space, id=self._renamed(path, "sp", space.id, path.split("/")[1]))
        self._places[space.id] = space.place
        return space

    def _linked(self, space: Space, workbooks: int) -> Space:
        """A space that names the new ids of what it names."""
        return msgspec.structs.replace(
            space,
            primary_workbook_id=self._told(space.primary_workbook_id),
            settings=self._told(space.settings),
            workbooks_count=workbooks,
        )

    def _workbook(self, path: str) -> tuple[Workbook, list[tuple[str, Sheet]]]:
        """A workbook, and its sheets with the path of their records."""
        workbook, inside = self._files.parsed(path, lambda value: schemas.parse_workbook(value, *self._owner))
        _, space, _, own, _ = path.split("/")
        if workbook.space_id != space:
            raise self._files.fault(path, None, f"spaceId is not the {space!r} of its folder.")
        space_id = self._inside(path, space, "spaceId")
        workbook = replace(workbook, id=self._renamed(path, "wb", workbook.id, own), space_id=space_id)
        self._places[workbook.id] = workbook.place
        found = []
        for sheet in inside:
            records = f"{path.removesuffix('workbook.json')}sheets/{sheet.id}/records.jsonl"
            if records not in self._files.names:
                raise self._files.fault(path, None, f"the sheet {sheet.name!r} has no {records[-120:]}.")
            sheet_id = self._renamed(path, "sh", sheet.id)
            found.append((records, replace(sheet, id=sheet_id, workbook_id=workbook.id, space_id=space_id)))
        return workbook, found

    def _documents(self, path: str) -> list[Document]:
        space_id = self._inside(path, path.split("/")[1], "spaceId")
        found = self._items(path, lambda value, at: schemas.parse_document(value, *self._owner, at))
        made = [replace(one, id=self._renamed(path, "dc", one.id), space_id=space_id) for one in found]
        self._places |= {one.id: one.place for one in made}
        return made

    def _actions(self, path: str) -> list[Action]:
        seen: Counter[str] = Counter()

        def parse(value: Any, at: str) -> Action:
            target = value.get("targetId") if isinstance(value, dict) else None
            place = self._places.get(self._ids.get(target, "")) if isinstance(target, str) else None
            if place is None:
                raise Invalid(f"{at}.targetId: name a thing of this export that has actions.")
            seen[place.id] += 1
            return schemas.parse_action(value, place, seen[place.id] - 1, at)

        return [replace(one, id=self._renamed(path, "act", one.id)) for one in self._items(path, parse)]

    def _jobs(self) -> list[Job]:
        found = [
            job
            for _, _, job in self._files.parsed_lines(
                "jobs.jsonl", lambda line: schemas.parse_job(loads(line), *self._owner)
            )
        ]
        for job in found:
            self._renamed("jobs.jsonl", "jb", job.id)
        return [self._settled(job) for job in found]

    def _settled(self, job: Job) -> Job:
        """A job that names the new ids of what it is about, and lies where its source does."""
        source = self._told(job.source)
        place = self._places.get(source)
        return replace(
            job,
            id=self._ids[job.id],
            source=source,
            space_id=place.space_id if place else self._told(job.space_id),
            workbook_id=place.workbook_id if place else None,
            sheet_id=place.sheet_id if place else None,
            destination=self._told(job.destination),
            parent_id=self._told(job.parent_id),
            predecessor_ids=self._told(job.predecessor_ids),
            subject=self._told(job.subject),
            outcome=self._told(job.outcome),
        )

    # ---- records --------------------------------------------------------------------------------

    def _sheets(self, found: list[tuple[str, Sheet]]) -> list[PlacedSheet]:
        """Store the records of all sheets; the sheets with their numbers."""
        strange = set(self._named("/records.jsonl")) - {path for path, _ in found}
        if strange:
            raise self._files.fault(min(strange), None, "its workbook has no such sheet.")
        placed = []
        for number, (path, sheet) in enumerate(found, start=1):
            placed.append(self._sheet(path, replace(sheet, sheet_no=number)))
            self._places[sheet.id] = placed[-1].sheet.place
        return placed

    def _sheet(self, path: str, sheet: Sheet) -> PlacedSheet:
        total = invalid = last = size = 0
        for rows in self._batches(path, sheet):
            wire = [[row.seq, row.vals, row.ext, row.valid] for row in rows]
            self._server.call("import-rows", environmentId=self._environment.id, sheetNo=sheet.sheet_no, rows=wire)
            total += len(rows)
            invalid += sum(not row.valid for row in rows)
            size += sum(size_of(row.vals, row.ext) for row in rows)
            last = rows[-1].seq
            self._records += len(rows)
            self._progress(f"{self._records:,} of {self._files.manifest.counts.get('records', 0):,} records")
        return PlacedSheet(replace(sheet, total=total, invalid=invalid), last, size)

    def _batches(self, path: str, sheet: Sheet) -> Iterator[list[RecordRow]]:
        rows: list[RecordRow] = []
        held = last = 0
        whose: tuple[str, int] | None = None
        for number, line, (parts, row) in self._files.parsed_lines(
            path, lambda line: parse_line(line, sheet.slots, "record")
        ):
            whose = whose or parts[:2]
            if parts[:2] != whose or row.seq <= last:
                what = "record.id: the ids of a file are of one sheet and grow from line to line."
                raise self._files.fault(path, number, what)
            last = row.seq
            self._look_for_old_ids("records", line, own=1)
            rows.append(row)
            held += len(line)
            if len(rows) >= BATCH_ROWS or held >= BATCH_BYTES:
                yield rows
                rows, held = [], 0
        if rows:
            yield rows
        if whose is not None:
            self._numbers[whose] = sheet.sheet_no

    # ---- ids ------------------------------------------------------------------------------------

    def _told(self, value: Any) -> Any:
        """``value`` with every text in it that is an old id, and nothing else, replaced by the new one."""
        if isinstance(value, str):
            return self._ids.get(value) or self._record_told(value)
        if isinstance(value, list):
            return [self._told(item) for item in value]
        if isinstance(value, dict):
            return {key: self._told(item) for key, item in value.items()}
        return value

    def _record_told(self, text: str) -> str:
        parts = parse_record_id(text)
        number = self._numbers.get(parts[:2]) if parts else None
        if parts is None or number is None:
            return text
        return record_id(routing_tag(self._environment.id), number, parts[2])

    def _look_for_old_ids(self, noun: str, data: bytes, own: int = 0) -> None:
        if data.count(b"us_") > own and len(self._old_id.findall(data)) > own:
            self._left[noun] += 1

    def _remarks(self) -> list[str]:
        remarks = []
        if self._left:
            found = ", ".join(f"{count:,} {noun}" for noun, count in sorted(self._left.items()))
            remarks.append(
                f"{found} hold ids of the old environment in their values, metadata, config or input, where only you "
                "know what they mean: they were left as they are."
            )
        if "events.jsonl" in self._files.names:
            remarks.append("events.jsonl was not imported: a new environment's log begins anew.")
        return remarks
