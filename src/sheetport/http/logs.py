"""Logs: one line an event, never a local variable, a token or a query string."""

from __future__ import annotations

import logging
import sys
import traceback

import structlog


def configure_logs() -> None:
    """Lines of key=value on standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)  # their lines carry whole URLs


def places_of(error: BaseException) -> str:
    """Where an error came from, innermost last, and its kind; not its text, which may hold a value."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return " > ".join(f"{frame.filename.rpartition('sheetport/')[2]}:{frame.lineno}:{frame.name}" for frame in frames)
