"""``Listener``: where handlers are registered, and the call that starts receiving."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from sheetport.listener.client import Api, connection
from sheetport.listener.dispatch import Failure, Handler, run_handlers
from sheetport.listener.event import Event
from sheetport.listener.matching import filter_matches, topic_matches, visible
from sheetport.listener.receive import receive

H = TypeVar("H", bound=Callable[..., Any])


class Listener:
    """Handlers and the filters in front of them. A child made by ``filter`` or ``namespace`` sees less."""

    def __init__(self) -> None:
        self._condition: Mapping[str, Any] = {}
        self._handlers: list[tuple[str | list[str], dict[str, Any], Handler]] = []
        self._children: list[Listener] = []
        self._stop: asyncio.Event | None = None
        self.is_child = False

    def on(
        self, topics: str | Iterable[str], filter_: Mapping[str, Any] | None = None, /, **filters: Any
    ) -> Callable[[H], H]:
        """Registers the function below it: ``@listener.on("job:ready", job="workbook:submitAction")``.

        ``topics`` is a glob or several. Filters are given as keywords, or as a mapping where a key is no
        Python name (``{"context.sheetSlug": "contacts"}``), with the key names of the event's JSON.
        """
        if callable(topics):
            raise TypeError('@listener.on needs a topic: write @listener.on("job:ready").')
        if callable(filter_):
            raise TypeError('listener.on is a decorator: write @listener.on("job:ready") above the function.')
        twice = set(filter_ or {}) & set(filters)
        if twice:
            raise TypeError(f"The filter {sorted(twice)[0]!r} is given twice: in the mapping and as a keyword.")
        condition = {**(filter_ or {}), **filters}
        wanted = topics if isinstance(topics, str) else list(topics)

        def register(handler: H) -> H:
            self._handlers.append((wanted, condition, handler))
            return handler

        return register

    def filter(self, condition: Mapping[str, Any] | None = None, /, **filters: Any) -> Listener:
        """A child whose handlers only receive events that match this filter too."""
        child = Listener()
        child._condition = {**(condition or {}), **filters}
        child.is_child = True
        self._children.append(child)
        return child

    def namespace(self, namespaces: str | Iterable[str]) -> Listener:
        """A child for events of a namespace such as ``"space:red"``, or of any of several. Globs are allowed."""
        return self.filter({"namespaces": namespaces if isinstance(namespaces, str) else list(namespaces)})

    def topics(self) -> list[str]:
        """The globs that handlers were registered for, its children's among them, sorted."""
        own = [
            topics for wanted, _, _ in self._handlers for topics in ([wanted] if isinstance(wanted, str) else wanted)
        ]
        return sorted({*own, *(topic for child in self._children for topic in child.topics())})

    def handlers_for(self, event: Mapping[str, Any]) -> list[Handler]:
        """The handlers this event's JSON reaches, in the order they are called: a node's own, then its children's."""
        return self._matching(event.get("topic"), visible(event))

    def _matching(self, topic: Any, seen: Mapping[str, Any]) -> list[Handler]:
        if not filter_matches(seen, self._condition):
            return []
        own = [h for wanted, c, h in self._handlers if topic_matches(topic, wanted) and filter_matches(seen, c)]
        return own + [handler for child in self._children for handler in child._matching(topic, seen)]

    async def dispatch(
        self,
        event: Mapping[str, Any],
        api: Api | None = None,
        *,
        api_url: str | None = None,
        token: str | None = None,
    ) -> list[Failure]:
        """Hands one event (its JSON) to its handlers and returns those that failed, already reported.

        For programs that get events some other way than ``run``, such as tests or a webhook.
        """
        handlers = self.handlers_for(event)
        if not handlers:
            return []
        if api is not None:
            return await run_handlers(Event(event, api), handlers)
        async with Api(connection(api_url, token)) as own:
            return await run_handlers(Event(event, own), handlers)

    async def run(
        self,
        environment_id: str | None = None,
        scope: str | None = None,
        api_url: str | None = None,
        token: str | None = None,
        *,
        on_connected: Callable[[str], None] | None = None,
    ) -> None:
        """Receives events until SIGINT, SIGTERM or ``stop()``: ``asyncio.run(listener.run())``.

        ``scope`` is an environment's or a space's id, by default the environment. What is not given comes
        from FLATFILE_API_URL, FLATFILE_API_KEY and FLATFILE_ENVIRONMENT_ID. ``on_connected(scope)`` is
        called once events flow. Raises ListenerConfigError, and ListenerHTTPError when the server refuses the key.
        """
        stop = self._stop = asyncio.Event()
        try:
            await receive(
                self.dispatch, connection(api_url, token, environment_id, scope), stop, on_connected=on_connected
            )
        finally:
            self._stop = None

    def stop(self) -> None:
        """Ends ``run`` from inside a handler or another task of the same loop; running handlers finish first."""
        if self._stop is not None:
            self._stop.set()
