"""How the whole is doing, for whoever asks."""

from typing import Protocol

import msgspec


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Questions on their way, and whether anybody answers them."""

    waiting: int = 0
    running: int = 0
    has_worker: bool = False  # one was heard of within a lease, or is at work
    mean_run_s: float | None = None  # of the latest answers; None before the first


class Monitor(Protocol):
    """Looks at the store."""

    async def health(self) -> Health:
        """How it is right now."""
        ...
