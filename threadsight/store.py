"""The store of a command: the Redis that is set, else the install's own Valkey."""

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

from jobs.redis import open_redis
from jobs.settings import StoreSettings
from threadsight.valkey import open_valkey

WATCH_S = 1.0


@dataclasses.dataclass(frozen=True)
class OpenStore:
    """A store that can be used: the settings with an address in them."""

    settings: StoreSettings
    check: Callable[[], None]  # raises ServiceFailed when an embedded one has been given up

    async def reach(self) -> None:
        """See that it is there, before anything is started that needs it.

        Raises:
            StoreUnavailable: it is not.
        """
        async with open_redis(self.settings.required_url(), self.settings):
            pass

    async def watch(self) -> None:
        """Never returns. Who waits for a store that nobody starts any more waits in vain.

        Raises:
            ServiceFailed: it has been given up, with its last words.
        """
        while True:
            self.check()
            await asyncio.sleep(WATCH_S)


@contextlib.contextmanager
def open_store(home: Path) -> Iterator[OpenStore]:
    """The store, good within this block.

    Raises:
        ValkeyMissing, ServiceFailed: REDIS_URL is not set, and the embedded Valkey cannot be started.
    """
    settings = StoreSettings.read()
    if settings.redis_url is not None:
        yield OpenStore(settings, check=lambda: None)  # somebody else sees to it
        return
    with open_valkey(home) as valkey:
        yield OpenStore(settings.model_copy(update={"redis_url": valkey.url}), check=valkey.check)
