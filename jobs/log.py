"""Where a process writes its log, and what must not stand in it."""

from typing import TextIO

import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer


def log_to(file: TextIO) -> None:
    """Every entry, one line of JSON each where nobody watches, in colours where somebody does.

    Of an exception only where it was raised: its frames' variables hold tokens and what people asked.
    """
    is_watched = file.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            *([] if is_watched else [ExceptionRenderer(ExceptionDictTransformer(show_locals=False))]),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
            if is_watched
            else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file),
    )
