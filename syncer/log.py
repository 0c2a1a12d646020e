"""Logging: one line per thing that changed; JSON, or for people when a terminal listens."""

from __future__ import annotations

import logging
import sys

import structlog

STYLES = ("auto", "json", "text")
"""JSON, text for people, or whichever suits who listens."""


def configure(level: str, style: str = "auto") -> None:
    """Set the process's logging up; `style` is one of STYLES."""
    terminal = sys.stderr.isatty()
    if style == "text" or (style == "auto" and terminal):
        renderer: structlog.typing.Processor = structlog.dev.ConsoleRenderer(
            colors=terminal, exception_formatter=structlog.dev.plain_traceback
        )
        errors: list[structlog.typing.Processor] = []  # it shows stack traces itself
    else:
        renderer, errors = (
            structlog.processors.JSONRenderer(),
            [structlog.processors.format_exc_info],
        )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *errors,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
