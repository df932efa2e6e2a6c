"""Routes of workbooks."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from sheetport.features.workbooks import service
from sheetport.features.workbooks.model import WorkbookFilter
from sheetport.features.workbooks.schemas import WorkbookShape, parse_new_workbook, parse_workbook_update, to_shape
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Success
from sheetport.http.parameters import SpaceId

_NEGATED = "With '-' in front: all but these."
Label = Annotated[str | None, QueryParameter(name="label", description=_NEGATED)]
Treatment = Annotated[str | None, QueryParameter(name="treatment", description=_NEGATED)]
Name = Annotated[str | None, QueryParameter(name="name", description=_NEGATED)]
Namespace = Annotated[str | None, QueryParameter(name="namespace", description=_NEGATED)]
IncludeSheets = Annotated[bool, QueryParameter(name="includeSheets")]


@get("/")
async def list_workbooks(
    call: Caller,
    space_id: SpaceId = None,
    name: Name = None,
    namespace: Namespace = None,
    label: Label = None,
    treatment: Treatment = None,
    include_sheets: IncludeSheets = True,
) -> Data[list[WorkbookShape]]:
    chosen = WorkbookFilter(space_id, name, namespace, label, treatment)
    found = await call.read(service.list_workbooks, chosen, with_sheets=include_sheets)
    return Data(data=[to_shape(workbook) for workbook in found])


@post("/", status_code=200)
async def create_workbook(call: Caller, data: JSONBody[dict[str, Any]]) -> Data[WorkbookShape]:
    return Data(data=to_shape(await call.write(service.create_workbook, parse_new_workbook(data))))


@get("/{workbook_id:str}")
async def get_workbook(call: Caller, workbook_id: FromPath[str]) -> Data[WorkbookShape]:
    return Data(data=to_shape(await call.read(service.get_workbook, workbook_id)))


@patch("/{workbook_id:str}")
async def update_workbook(
    call: Caller, workbook_id: FromPath[str], data: JSONBody[dict[str, Any]]
) -> Data[WorkbookShape]:
    """Each of ``sheets`` changes the sheet with its id or slug, or is added; sheets that are not named stay."""
    return Data(data=to_shape(await call.write(service.update_workbook, workbook_id, parse_workbook_update(data))))


@delete("/{workbook_id:str}", status_code=200)
async def delete_workbook(call: Caller, workbook_id: FromPath[str]) -> Success:
    await call.write(service.delete_workbook, workbook_id)
    return OK


router = Router(
    "/v1/workbooks",
    route_handlers=[list_workbooks, create_workbook, get_workbook, update_workbook, delete_workbook],
    tags=["workbooks"],
)
