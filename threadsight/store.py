"""The store of a command: the Redis that is set, else the install's own Valkey."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from jobs.settings import StoreSettings
from threadsight.valkey import open_valkey


@contextlib.contextmanager
def open_store(home: Path) -> Iterator[StoreSettings]:
    """The settings with an address in them, good within this block.

    Raises:
        ValkeyMissing, ServiceFailed: REDIS_URL is not set, and the embedded Valkey cannot be started.
    """
    settings = StoreSettings.read()
    if settings.redis_url is not None:
        yield settings
        return
    with open_valkey(home) as valkey:
        yield settings.model_copy(update={"redis_url": valkey.url})
