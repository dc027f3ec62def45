"""Where this process writes its log."""

from typing import TextIO

import structlog


def log_to(file: TextIO) -> None:
    """Every entry, one line of JSON each where nobody watches, in colours where somebody does."""
    is_watched = file.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            *([] if is_watched else [structlog.processors.dict_tracebacks]),
            structlog.dev.ConsoleRenderer() if is_watched else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file),
    )
