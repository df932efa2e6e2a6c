"""Agents of a running server, as tests deploy and watch them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from servers.sheetport import SheetportServer

T = TypeVar("T")
#: Reports an event to the server that runs it: a job's info tells what the agent was told, and in which order.
POST = """
const call = (method, path, body) => fetch(`${process.env.AGENT_INTERNAL_URL}/v1/${path}`, {
  method,
  headers: { Authorization: `Bearer ${process.env.FLATFILE_BEARER_TOKEN}`, 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
}).then((answer) => answer.json())
"""


class Hosted:
    """The agents of a server's development environment."""

    def __init__(self, server: SheetportServer) -> None:
        self.server = server
        self.environment_id: str = server.development["id"]
        self.key: str = server.development["secretKey"]

    def call(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        answer = self.server.request(method, path, body, self.key)
        assert answer.status == status, answer.body
        return answer.body.get("data")

    def deploy(self, source: str, *topics: str, slug: str = "default") -> str:
        """The id of the agent."""
        body = {"source": source, "topics": list(topics), "slug": slug, "compiler": "js"}
        return str(self.call("POST", f"/v1/agents?environmentId={self.environment_id}", body)["id"])

    def space(self) -> str:
        return str(self.call("POST", "/v1/spaces", {"name": "S", "environmentId": self.environment_id})["id"])

    def tell(self, space_id: str, topic: str = "data-clip:created", **payload: Any) -> str:
        """Write an event; its id."""
        context = {"environmentId": self.environment_id, "spaceId": space_id}
        body = {"topic": topic, "domain": "space", "context": context, "payload": payload}
        return str(self.call("POST", "/v1/events", body)["id"])

    def executions(self, agent_id: str, **query: str) -> list[dict[str, Any]]:
        """What the agent did, the newest first."""
        more = "".join(f"&{name}={value}" for name, value in query.items())
        path = f"/v1/agents/executions?environmentId={self.environment_id}&agentId={agent_id}&pageSize=100{more}"
        return list(self.call("GET", path))

    def count(self, agent_id: str) -> int:
        """How many attempts there were."""
        path = f"/v1/agents/executions?environmentId={self.environment_id}&agentId={agent_id}&pageSize=1"
        answer = self.server.request("GET", path, token=self.key)
        return int(answer.body["pagination"]["totalCount"])

    def logs(self, agent_id: str) -> list[str]:
        """What the agent wrote, the oldest first."""
        path = f"/v1/agents/{agent_id}/logs?environmentId={self.environment_id}&pageSize=100"
        return [each.get("log") or "" for each in reversed(self.call("GET", path))]

    def state(self, agent_id: str) -> dict[str, Any]:
        return dict(self.call("GET", f"/v1/agents/{agent_id}/state"))


def wait_for(ask: Callable[[], T], seconds: float = 30) -> T:
    """What ``ask`` answers once that is something."""
    end = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.05)
    return found
