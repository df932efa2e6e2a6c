"""What version 0.1.0 kept as members of spaces, workbooks and sheets has ids after the upgrade."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from sheetport.config import StorageSettings
from sheetport.storage.migrations.runner import in_transaction, upgrade
from sheetport.storage.tables.actions import actions
from sheetport.storage.tables.core import places
from sheetport.storage.tables.workbooks import sheets, workbooks

WHERE = {"environment_id": "us_env_Abcd1", "account_id": "us_acc_1", "space_id": "us_sp_1"}
TIMES = {"created_at": 1, "updated_at": 2}
GO: dict[str, Any] = {"operation": "go", "label": "Göé", "messages": [{"type": "info", "content": "it's 100% :ok"}]}
RING = {"label": "Ring", "schedule": "daily"}


def _fill(connection: Connection) -> None:
    def add(table: Table, **values: Any) -> None:
        connection.execute(insert(table), WHERE | values)

    sheet = {"sheet_no": 1, "ordinal": 0, "name": "S", "slug": "s", "slots": "{}", "next_slot": 0, **TIMES}
    for number, deleted in ((1, None), (2, 5)):  # the second workbook went with something that was deleted
        book = f"us_wb_{number}"
        add(workbooks, id=book, name="W", actions=json.dumps([GO, RING]), **TIMES)
        add(places, id=book, kind="wb", workbook_id=book, deleted_at=deleted)
    for number, config in ((1, {"fields": [{"key": "a", "label": "A"}], "actions": [RING]}), (2, {"fields": []})):
        add(sheets, id=f"us_sh_{number}", workbook_id="us_wb_1", config=json.dumps(config), **sheet)
        add(places, id=f"us_sh_{number}", kind="sh", workbook_id="us_wb_1", sheet_id=f"us_sh_{number}")


def test_the_actions_of_before_get_ids(storage: StorageSettings) -> None:
    upgrade(storage, "0002")
    in_transaction(storage, _fill)
    upgrade(storage)
    rows = in_transaction(storage, lambda c: c.execute(select(actions)).mappings().all())
    told = {(row["target_id"], row["ordinal"]): json.loads(row["config"]) for row in rows}
    assert told == {("us_wb_1", 0): GO, ("us_wb_1", 1): RING, ("us_sh_1", 0): RING}
    of_sheet = next(row for row in rows if row["target_id"] == "us_sh_1")
    assert (of_sheet["workbook_id"], of_sheet["sheet_id"], of_sheet["created_at"]) == ("us_wb_1", "us_sh_1", 1)
    assert {row["schedule"] for row in rows if row["ordinal"] == 1 or row["target_id"] == "us_sh_1"} == {"daily"}
    assert next(row for row in rows if row["ordinal"] == 0 and row["target_id"] == "us_wb_1")["schedule"] is None
    assert all(row["id"].startswith("us_act_Abcd") for row in rows)
    made = in_transaction(storage, lambda c: c.execute(select(places).where(places.c.kind == "act")).mappings().all())
    assert {row["id"]: row["sheet_id"] for row in made} == {row["id"]: row["sheet_id"] for row in rows}
