"""What discord.py has to say, in our log: it writes to the standard library's, and nobody would read that."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

_TOKEN = re.compile(r"(/(?:webhooks|interactions)/\d+/)[^/\s]+")  # it answers in somebody's name for fifteen minutes
_OF_NO_USE = ("PyNaCl", "davey")  # for voice

log = structlog.get_logger()


class _Forwarding(logging.Handler):
    """Hands warnings and errors on."""

    def emit(self, record: logging.LogRecord) -> None:
        message = _TOKEN.sub(r"\1...", record.getMessage())
        if not message.startswith(_OF_NO_USE):
            log.log(record.levelno, message, library=record.name, exc_info=record.exc_info)


@contextmanager
def forwarded_log() -> Iterator[None]:
    """Meanwhile, discord.py's warnings are in our log."""
    forwarding = _Forwarding(logging.WARNING)
    library = logging.getLogger("discord")
    library.addHandler(forwarding)
    try:
        yield
    finally:
        library.removeHandler(forwarding)
