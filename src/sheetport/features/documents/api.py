"""Routes of documents."""

from __future__ import annotations

from typing import Any

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from sheetport.features.documents import service
from sheetport.features.documents.schemas import DocumentShape, parse_document, parse_document_update, to_shape
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Success


@get("/")
async def list_documents(call: Caller, space_id: FromPath[str]) -> Data[list[DocumentShape]]:
    return Data(data=[to_shape(document) for document in await call.read(service.list_documents, space_id)])


@post("/", status_code=200)
async def create_document(call: Caller, space_id: FromPath[str], data: JSONBody[dict[str, Any]]) -> Data[DocumentShape]:
    return Data(data=to_shape(await call.write(service.create_document, space_id, parse_document(data))))


@get("/{document_id:str}")
async def get_document(call: Caller, space_id: FromPath[str], document_id: FromPath[str]) -> Data[DocumentShape]:
    return Data(data=to_shape(await call.read(service.get_document, space_id, document_id)))


@patch("/{document_id:str}")
async def update_document(
    call: Caller, space_id: FromPath[str], document_id: FromPath[str], data: JSONBody[dict[str, Any]]
) -> Data[DocumentShape]:
    """Changes ``title`` and ``body``; the document's actions are changed by themselves."""
    change = parse_document_update(data)
    return Data(data=to_shape(await call.write(service.update_document, space_id, document_id, change)))


@delete("/{document_id:str}", status_code=200)
async def delete_document(call: Caller, space_id: FromPath[str], document_id: FromPath[str]) -> Success:
    await call.write(service.delete_document, space_id, document_id)
    return OK


router = Router(
    "/v1/spaces/{space_id:str}/documents",
    route_handlers=[list_documents, create_document, get_document, update_document, delete_document],
    tags=["documents"],
)
