"""Starts jobs. A job that no action stands for is its caller's own affair; any other is as its action allows it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sheetport.features.actions import service as actions
from sheetport.features.actions.model import TARGETS, Action
from sheetport.features.jobs import service as jobs
from sheetport.features.jobs.model import Job, JobDraft
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.features.records import service as records
from sheetport.features.records.model import Counts, RecordQuery
from sheetport.features.sheets import service as sheets
from sheetport.features.sheets.model import Sheet
from sheetport.features.starts.model import Button, column_of, selection_of
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.errors import Conflict, Invalid
from sheetport.kernel.paging import Page
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

_KEY = "subject.params.columnKey"


async def start_job(uow: UnitOfWork, actor: Actor, draft: JobDraft) -> Job:
    """A new job. One that an action of its source stands for gets the action's mode and its input's defaults.

    Raises Conflict where the action is disabled or its constraints do not hold, and Invalid for an input that does not
    answer its form, for a selection that it needs and has not, and for a column that has no such action.
    """
    actor = require(actor, Permission.JOB_WRITE)
    source = None if draft.parent_id else await places.find_place(uow, actor, draft.source)
    button = None if source is None else await _find_button(uow, source, draft)
    if source is not None and button is not None:
        button.refuse_disabled()
        given = button.with_defaults(draft.input)
        button.refuse_bad_input(given)
        await _require_constraints(uow, source, button, draft.subject)
        draft = replace(draft, input=given, mode=draft.mode or button.config.get("mode"))
    return await jobs.create_job(uow, actor, draft)


async def start_scheduled(uow: UnitOfWork, action: Action) -> Job | None:
    """The job of a scheduled action, None if it is disabled, cannot be named or its constraints do not hold.

    Nobody answers its form: the input is made of the defaults.
    """
    actor = system_actor(action.account_id, action.environment_id)
    target = await places.find_place(uow, actor, action.target_id)
    if target is None or action.operation is None:
        return None  # a button without an operation has a label only: no listener could know its job
    button = Button(action.config)
    try:
        button.refuse_disabled()
        await _require_constraints(uow, target, button, None)
    except (Conflict, Invalid):
        return None
    return await jobs.create_system_job(
        uow,
        actor,
        target,
        type=TARGETS[target.kind],
        operation=action.operation,
        source=target.id,
        mode=action.config.get("mode", "background"),
        input=button.with_defaults(None),
        managed=False,
    )


async def _find_button(uow: UnitOfWork, source: Place, draft: JobDraft) -> Button | None:
    """The action that a job of this draft starts from, if there is one."""
    if TARGETS.get(source.kind) != draft.type:
        return None
    action = await actions.find_action_on(uow, source, draft.operation)
    if source.kind == "sh" and (action is None or action.mounted_on == "field"):
        return await _find_column_button(uow, source, draft, action)
    return None if action is None else Button(action.config)


async def _find_column_button(uow: UnitOfWork, source: Place, draft: JobDraft, action: Action | None) -> Button | None:
    """The action of the field that the draft names: ``action``, which is shown on fields, or one of the field's own.

    Raises Invalid when only other fields have it.
    """
    sheet = await sheets.find_sheet(uow, source)
    shown = None if action is None else action.config["mount"].get("keys")
    found = [
        (field, config)
        for field in (sheet.config["fields"] if sheet is not None else ())
        for config in ([action.config] if action is not None else field.get("actions", ()))
        if draft.operation == (config.get("operation") or config.get("slug"))
        if shown is None or field["key"] in shown
    ]
    if not found:
        return None
    column = column_of(draft.subject)
    for field, config in found:
        if field["key"] == column:
            return Button(config, field)
    keys = ", ".join(field["key"] for field, _ in found)
    raise Invalid(f"{_KEY}: say of which column; the action {draft.operation[:60]!r} is one of {keys}.", _KEY)


async def _require_constraints(uow: UnitOfWork, source: Place, button: Button, subject: dict[str, Any] | None) -> None:
    button.require_column()
    selection = selection_of(subject) if source.kind == "sh" else None
    for constraint in button.constraints:
        kind, at = constraint["type"], "subject.query" if selection else "source"
        if kind == "hasSelection":
            if selection is None or not (await _count(uow, source, selection)).total:
                key = "subject.query"
                words = "select records, as query.ids of a subject of type collection"
                raise Invalid(f"{key}: the action {button.label} needs a selection: {words}.", key)
        elif kind == "hasAllValid":
            chosen = None if constraint.get("ignoreSelection") else selection
            if (await _count(uow, source, chosen)).invalid:
                raise Conflict(f"The action {button.label} needs its records valid: correct those that are not.", at)
        elif kind == "hasData" and not (await _count(uow, source, None)).total:
            raise Conflict(f"The action {button.label} needs data: there is no record yet.", "source")


async def _count(uow: UnitOfWork, source: Place, selection: dict[str, Any] | None) -> Counts:
    """The records of a workbook or sheet, or those selected of a sheet, whoever asks."""
    server = system_actor(source.account_id)
    if source.kind == "wb":
        return _sum(await sheets.list_sheets(uow, server, source.id))
    if source.kind != "sh":
        return Counts(0, 0)
    if selection is None:
        return _sum([await sheets.get_sheet(uow, server, source.id)])
    total = invalid = 0
    for query in _queries(selection):
        found = await records.read_records(uow, server, source.id, query)
        total += found.counts.total if found.counts else 0
        invalid += found.counts.invalid if found.counts else 0
    return Counts(total, invalid)


def _sum(found: list[Sheet]) -> Counts:
    return Counts(sum(sheet.total for sheet in found), sum(sheet.invalid for sheet in found))


def _queries(selection: dict[str, Any]) -> list[RecordQuery]:
    """What a selection means, in parts that name no more ids than one read may."""
    named = selection.get("ids") or []
    ids = [named] if isinstance(named, str) else named
    texts = [ids, *([selection.get(name)] for name in ("filter", "commitId", "sinceCommitId"))]
    if not isinstance(ids, list) or not all(text is None or isinstance(text, str) for part in texts for text in part):
        raise Invalid("subject.query: ids are texts, and so are filter, commitId and sinceCommitId.", "subject.query")
    whole = RecordQuery(
        Page(1, 1),
        filter=selection.get("filter"),
        commit_id=selection.get("commitId"),
        since_commit_id=selection.get("sinceCommitId"),
        include_length=True,
    )
    most = records.IDS_LIMIT
    distinct = list(dict.fromkeys(ids))
    if len(distinct) <= most or whole.filter in {"valid", "error", "all"}:
        return [replace(whole, ids=tuple(distinct))]
    return [replace(whole, ids=tuple(distinct[at : at + most])) for at in range(0, len(distinct), most)]
