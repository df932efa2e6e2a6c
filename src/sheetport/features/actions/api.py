"""Routes of actions. Lists are bare arrays, as the clients read them."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from sheetport.features.actions import service
from sheetport.features.actions.schemas import (
    ActionReply,
    ApiAction,
    parse_action_config,
    parse_action_configs,
    parse_action_update,
    to_reply,
    to_shape,
)
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Success

SpaceId = Annotated[
    str | None, QueryParameter(name="spaceId", description="The space, required but of a space's own token.")
]


@get("/")
async def list_actions(call: Caller, space_id: SpaceId = None) -> list[ApiAction]:
    """The actions of the space and of the workbooks, sheets and documents in it."""
    return [to_shape(action) for action in await call.read(service.list_actions, space_id)]


@post("/", status_code=200)
async def create_action(call: Caller, data: JSONBody[dict[str, Any]], space_id: SpaceId = None) -> ActionReply:
    (action,) = await call.write(service.create_actions, space_id, [parse_action_config(data)], single=True)
    return to_reply(action)


@post("/bulk", status_code=200)
async def create_actions(
    call: Caller, data: JSONBody[list[dict[str, Any]]], space_id: SpaceId = None
) -> list[ApiAction]:
    made = await call.write(service.create_actions, space_id, parse_action_configs(data))
    return [to_shape(action) for action in made]


@get("/{action_id:str}")
async def get_action(call: Caller, action_id: FromPath[str]) -> ActionReply:
    return to_reply(await call.read(service.get_action, action_id))


@patch("/{action_id:str}")
async def update_action(call: Caller, action_id: FromPath[str], data: JSONBody[dict[str, Any]]) -> ActionReply:
    return to_reply(await call.write(service.update_action, action_id, parse_action_update(data)))


@delete("/{action_id:str}", status_code=200)
async def delete_action(call: Caller, action_id: FromPath[str]) -> Success:
    await call.write(service.delete_action, action_id)
    return OK


router = Router(
    "/v1/actions",
    route_handlers=[list_actions, create_action, create_actions, get_action, update_action, delete_action],
    tags=["actions"],
)
