"""Routes of sheets. A sheet is made through its workbook."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Router, delete, get, patch
from litestar.params import FromPath, JSONBody, QueryParameter

from sheetport.features.sheets import service
from sheetport.features.sheets.schemas import Sheet, parse_sheet_patch, to_shape
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Success
from sheetport.kernel.errors import Invalid

WorkbookId = Annotated[str | None, QueryParameter(name="workbookId", description="The workbook, required.")]


@get("/")
async def list_sheets(call: Caller, workbook_id: WorkbookId = None) -> Data[list[Sheet]]:
    if not workbook_id:
        raise Invalid("workbookId: say which workbook's sheets, as ?workbookId=….", "workbookId")
    return Data(data=[to_shape(sheet) for sheet in await call.read(service.list_sheets, workbook_id)])


@get("/{sheet_id:str}")
async def get_sheet(call: Caller, sheet_id: FromPath[str]) -> Data[Sheet]:
    return Data(data=to_shape(await call.read(service.get_sheet, sheet_id)))


@patch("/{sheet_id:str}")
async def update_sheet(call: Caller, sheet_id: FromPath[str], data: JSONBody[dict[str, Any]]) -> Data[Sheet]:
    return Data(data=to_shape(await call.write(service.update_sheet, sheet_id, parse_sheet_patch(data))))


@delete("/{sheet_id:str}", status_code=200)
async def delete_sheet(call: Caller, sheet_id: FromPath[str]) -> Success:
    await call.write(service.delete_sheet, sheet_id)
    return OK


router = Router("/v1/sheets", route_handlers=[list_sheets, get_sheet, update_sheet, delete_sheet], tags=["sheets"])
