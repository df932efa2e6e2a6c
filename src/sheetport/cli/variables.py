"""The variables that make a program talk to this server."""

from __future__ import annotations

from collections.abc import Mapping

from sheetport.cli.caller import EnvironmentCaller
from sheetport.cli.client import CallError
from sheetport.preload import PRELOAD_PATH

#: Shows that a key has expired or was narrowed since: nothing to add, and the program itself will say so.
_NONE_TO_READ = (403, 404)


def program_variables(caller: EnvironmentCaller, around: Mapping[str, str]) -> dict[str, str]:
    """The environment's own variables, the five of the clients, and NODE_OPTIONS with the preload in front of
    what ``around`` (the variables the program would have anyway) says."""
    own = environment_variables(caller)
    options = own.get("NODE_OPTIONS", around.get("NODE_OPTIONS", ""))
    return {
        **own,
        "FLATFILE_API_KEY": caller.key,
        "FLATFILE_BEARER_TOKEN": caller.key,
        "FLATFILE_ENVIRONMENT_ID": caller.environment_id,
        "FLATFILE_API_URL": caller.url,
        "AGENT_INTERNAL_URL": caller.url,
        "NODE_OPTIONS": node_options(options),
    }


def environment_variables(caller: EnvironmentCaller) -> dict[str, str]:
    """What ``sheetport env set`` has stored. Raises CallError."""
    with caller.client() as client:
        try:
            listed = client.data("GET", f"/v1/environments/{caller.environment_id}/variables")
        except CallError as error:
            if error.status in _NONE_TO_READ:
                return {}
            raise
    return {one["name"]: one["value"] for one in listed}


def node_options(existing: str, preload: str = str(PRELOAD_PATH)) -> str:
    """``--require PRELOAD`` in front of existing options, once. Node reads quotes and backslashes inside them."""
    if any(character in preload for character in ' "\\'):
        preload = '"' + preload.replace("\\", "\\\\").replace('"', '\\"') + '"'
    option = f"--require {preload}"
    return existing if option in existing else f"{option} {existing}".strip()
