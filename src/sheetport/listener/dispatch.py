"""Calls handlers one after another and deals with the ones that fail: nothing is swallowed."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import threading
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx

from sheetport.listener.errors import ListenerError
from sheetport.listener.event import Event

logger = logging.getLogger("sheetport.listener")

Handler = Callable[[Event], Any]

# How long a stopped handler's job may take to be marked as failed, in seconds.
LAST_WORD = 5.0

# Seconds before each further attempt to mark a job as failed.
RETRY_AFTER = (0.5, 2.0, 5.0)


@dataclass(frozen=True)
class Failure:
    """One handler that raised: its ``message``, and the ``place`` (file:line) in the user's code."""

    handler: str
    place: str
    message: str


async def run_handlers(event: Event, handlers: Iterable[Handler]) -> list[Failure]:
    """Calls every handler in turn, plain ones in a thread of their own; returns the failures.

    The first failure fails the event's job when the event asked for that job to be done.
    """
    failures: list[Failure] = []
    for handler in handlers:
        try:
            await _call(handler, event)
        except asyncio.CancelledError:
            if not failures:
                await _fail_stopped_job(event)
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a handler may raise anything, and all of it is reported
            failure = _describe(handler, error, event)
            _log(event, failure, error)
            if not failures:
                await _fail_job(event, failure.message)
            failures.append(failure)
    return failures


async def _call(handler: Handler, event: Event) -> None:
    if inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None)):  # noqa: B004
        await handler(event)
        return
    result = await _in_thread(handler, event)
    if inspect.isawaitable(result):
        await result


async def _in_thread(handler: Handler, event: Event) -> Any:
    """Runs a plain handler in a daemon thread, so that one which hangs cannot keep the program from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(result)
        else:
            # A future refuses StopIteration, and SystemExit would end the loop.
            done.set_exception(error if isinstance(error, Exception) else _Raised(error))

    def work() -> None:
        try:
            outcome: tuple[Any, BaseException | None] = (handler(event), None)
        except BaseException as error:  # noqa: BLE001 - handed over to the loop, which reports it
            outcome = (None, _Raised(error) if isinstance(error, StopIteration) else error)
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, *outcome)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name=f"handler {event.id}", daemon=True).start()
    return await done


class _Raised(Exception):
    """Carries an error over to the loop that the loop would not take as it is."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


async def _fail_job(event: Event, message: str) -> None:
    """Fails the job of a job:ready event. Tries again where the network or the server had a bad moment."""
    if event.topic != "job:ready" or not event.context.get("jobId"):
        return
    for wait in (*RETRY_AFTER, None):
        try:
            await event.job.fail(message)
        except (ListenerError, httpx.HTTPError, ValueError) as error:
            passing = isinstance(error, httpx.TransportError) or getattr(error, "status", 0) >= 500
            if wait is None or not passing:
                reason = _clean(str(error) or type(error).__name__, event)
                logger.warning("The job %s could not be marked as failed: %s", event.job.id, reason)
                return
            await asyncio.sleep(wait)
        else:
            return


async def _fail_stopped_job(event: Event) -> None:
    """The listener is going away while the handler runs: the job must not be left hanging."""
    logger.error("The listener stopped before a handler of event %s (%s) had finished.", event.id, event.topic)
    try:
        async with asyncio.timeout(LAST_WORD):
            await _fail_job(event, "The listener was stopped before it had finished this job.")
    except TimeoutError:
        logger.warning("The job of event %s could not be marked as failed in time.", event.id)


def _describe(handler: Handler, error: BaseException, event: Event) -> Failure:
    cause = error.error if isinstance(error, _Raised) else error
    text = str(cause).strip()
    if isinstance(cause, KeyError) or not text:
        text = f"{type(cause).__name__}: {text}" if text else type(cause).__name__
    name = getattr(handler, "__qualname__", type(handler).__name__)
    return Failure(name, _place(handler, cause.__traceback__), _clean(text, event))


def _place(handler: Handler, trace: TracebackType | None) -> str:
    """The innermost line in the handler's own file, where the user can do something about it."""
    frames = traceback.extract_tb(trace)
    code = getattr(inspect.unwrap(handler), "__code__", None)
    own = [frame for frame in frames if code is not None and frame.filename == code.co_filename]
    found = (own or frames)[-1:]
    return f"{found[0].filename}:{found[0].lineno}" if found else "unknown place"


def _log(event: Event, failure: Failure, error: BaseException) -> None:
    cause = error.error if isinstance(error, _Raised) else error
    trace = _clean("".join(traceback.format_exception(cause)).rstrip(), event)
    logger.error(
        "Handler %s failed on event %s (%s) at %s: %s\n%s",
        failure.handler,
        event.id,
        event.topic,
        failure.place,
        failure.message,
        trace,
    )


def _clean(text: str, event: Event) -> str:
    """The text without the values of secrets this event has read, the longest first."""
    for value in sorted(event.known_secrets(), key=len, reverse=True):
        text = text.replace(value, "[secret]")
    return text
