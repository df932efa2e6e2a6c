"""The event a handler receives, and what it can do with it."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from sheetport.listener.client import Api
from sheetport.listener.errors import ListenerError, SecretNotFound

T = TypeVar("T")


class Event:
    """One event. ``src`` is its JSON as the server sent it; the attributes are the parts handlers use.

    ``id``, ``topic``, ``domain``, ``action`` (the name of the action that was clicked), ``target``: str.
    ``context``, ``payload``, ``origin``: dict. ``namespaces``: list of str. ``data_url``: str or None.
    """

    def __init__(self, src: Mapping[str, Any], api: Api) -> None:
        self.src: dict[str, Any] = dict(src)
        self.id: str = src.get("id") or ""
        self.topic: str = src.get("topic") or ""
        self.domain: str = src.get("domain") or ""
        self.context: dict[str, Any] = src.get("context") or {}
        self.payload: Any = src.get("payload") or {}
        self.namespaces: list[str] = src.get("namespaces") or []
        self.origin: Any = src.get("origin") or {}
        self.target: str = src.get("target") or ""
        self.data_url: str | None = src.get("dataUrl") or None
        self.action: str = self.context.get("actionName") or ""
        self._api = api
        self._loop = asyncio.get_running_loop()
        self._secrets: dict[tuple[str, str, str], dict[str, str]] = {}
        self._reading_secrets = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Event {self.id} {self.topic}>"

    @property
    def job(self) -> Job:
        """The job this event is about. Raises ListenerError for an event without one."""
        job_id = self.context.get("jobId")
        if not job_id:
            raise ListenerError(f"The event {self.id} ({self.topic}) has no job: its context holds no jobId.")
        return Job(str(job_id), self._api)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """For plain ``def`` handlers: ``value = event.run(event.secrets("NAME"))`` waits and gives the result."""
        try:
            here: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is not None:
            work.close()
            raise ListenerError("event.run(...) is for plain 'def' handlers. In an 'async def' handler write 'await'.")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def fetch(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None, data: Any = None
    ) -> Any:
        """Calls the server's API, ``await event.fetch("v1/jobs", "POST", data={...})``, and returns its ``data``.

        ``data`` is sent as JSON, or as it is when str or bytes. Raises ListenerHTTPError at 400 and above.
        """
        return await self._api.fetch(path, method, headers, data)

    async def data(self, **params: Any) -> Any:
        """What the event is about, such as ``{"records": [...]}``; the payload where the event has no data_url.

        Keyword arguments become query parameters; a list repeats its parameter.
        """
        if self.data_url is None:
            return self.payload
        return await self._api.fetch(self.data_url, params=params)

    async def update(self, records: Sequence[Mapping[str, Any]]) -> Any:
        """Writes changed records back: the ones of ``event.data()``, each with its id. Returns the answer's data."""
        if self.data_url is None:
            raise ListenerError(f"The event {self.id} ({self.topic}) has no dataUrl, so it has no records to update.")
        body = await asyncio.to_thread(_packed, records)
        return await self._api.fetch(self.data_url, "PUT", {"Content-Encoding": "gzip"}, body)

    async def secrets(
        self, name: str, *, environment_id: str | None = None, space_id: str | None = None, actor_id: str | None = None
    ) -> str:
        """The value of a secret in the event's environment, space and actor, or in those given.

        Read once per event and scope. Raises SecretNotFound when the name is absent or its value empty, and
        ListenerHTTPError when the server refuses (401, 403, 404).
        """
        context = self.context
        environment = environment_id or context.get("environmentId") or ""
        space = space_id or context.get("spaceId") or ""
        actor = actor_id or context.get("actorId") or ""
        if not environment:
            raise ListenerError("environment_id is required to fetch secrets: the event's context has none.")
        async with self._reading_secrets:
            if (environment, space, actor) not in self._secrets:
                self._secrets[environment, space, actor] = await self._read_secrets(environment, space, actor)
        value = self._secrets[environment, space, actor].get(name)
        if not value:
            raise SecretNotFound(name, f"environment {environment}" + (f", space {space}" if space else ""))
        return value

    async def _read_secrets(self, environment: str, space: str, actor: str) -> dict[str, str]:
        scope = {"environmentId": environment, "spaceId": space, "actorId": actor}
        listed = await self._api.fetch("v1/secrets", params={key: value for key, value in scope.items() if value})
        # The server lists the environment's secrets first: the last of a name is the most specific.
        return {one["name"]: one["value"] for one in listed or []}

    def known_secrets(self) -> set[str]:
        """The values read so far, so that messages can be cleaned of them."""
        return {value for values in self._secrets.values() for value in values.values() if value}


def _packed(records: Sequence[Mapping[str, Any]]) -> bytes:
    """Records as gzip JSON. Who wrote a record's message is the server's to say, so ``source`` is left out."""
    written = [dict(record) for record in records]
    for record in written:
        if record.get("messages"):
            kept = [{key: value for key, value in m.items() if key != "source"} for m in record["messages"]]
            record["messages"] = kept
    return gzip.compress(json.dumps(written).encode())


class Job:
    """The job an event is about: say how far it is, and how it ended."""

    def __init__(self, job_id: str, api: Api) -> None:
        self.id = job_id
        self._api = api

    def __repr__(self) -> str:
        return f"<Job {self.id}>"

    async def ack(self, info: str | None = None, progress: int | None = None) -> Any:
        """Tells that the work goes on: ``progress`` in percent, ``info`` in words."""
        body = {"info": info, "progress": progress}
        return await self._post("ack", {key: value for key, value in body.items() if value is not None})

    async def complete(self, outcome: Mapping[str, Any] | str | None = None) -> Any:
        """Ends the job well. ``outcome`` is its message, or the whole outcome such as {"message", "next"}."""
        if outcome is None:
            return await self._post("complete", {})
        return await self._post("complete", {"outcome": {"message": outcome} if isinstance(outcome, str) else outcome})

    async def fail(self, message: str) -> Any:
        """Ends the job as failed, with the message people will read."""
        return await self._post("fail", {"info": message, "outcome": {"acknowledge": True, "message": message}})

    async def _post(self, step: str, body: Mapping[str, Any]) -> Any:
        return await self._api.fetch(f"v1/jobs/{self.id}/{step}", "POST", data=dict(body))
