"""One answer in the making: its ids, its cache, and what is still to be computed."""

from collections.abc import Iterator

from torch import Generator, Tensor

from inference_worker.engine.backend import Cache
from inference_worker.engine.request import FinishReason, PictureKey, PictureSlot, Request


class Sequence:
    """Mutable state of one request, owned by the scheduler.

    `ids` are the prompt and what has been drawn so far; the first `cache.length` of them are computed.
    """

    def __init__(self, request: Request, cache: Cache) -> None:
        self.request = request
        self.ids = list(request.prompt.ids)
        self.cache = cache
        self.cached_tokens = cache.length  # of the prompt, not computed again
        self.features: dict[PictureKey, Tensor] = {}  # held until their positions are computed
        self.generator = Generator().manual_seed(request.sampling.seed)

    @property
    def new_tokens(self) -> int:
        """How many tokens were drawn."""
        return len(self.ids) - len(self.request.prompt.ids)

    @property
    def uncomputed(self) -> int:
        """Positions that the next steps must run: 1 while decoding."""
        return len(self.ids) - self.cache.length

    def open_slots(self) -> Iterator[PictureSlot]:
        """Picture slots with positions still to compute, in order."""
        return (slot for slot in self.request.prompt.slots if slot.stop > self.cache.length)

    def runnable(self, budget: int) -> int:
        """How many of the next positions can run now: up to `budget`, and up to the first picture still missing."""
        stop = min(len(self.ids), self.cache.length + budget)
        for slot in self.open_slots():
            if slot.key not in self.features:
                stop = min(stop, slot.start)
                break
        return max(stop - self.cache.length, 0)

    def release_features(self) -> None:
        """Let go of features whose positions are all computed."""
        if self.features:
            open_keys = {slot.key for slot in self.open_slots()}
            self.features = {key: value for key, value in self.features.items() if key in open_keys}

    def adopt(self, cache: Cache) -> None:
        """Continue from a resident cache that shares a prefix with the prompt."""
        self.cache.release()
        self.cache = cache
        self._count_cached()

    def copy(self, donor: Cache, length: int) -> None:
        """Continue from copies of what another conversation has computed of the same ids."""
        self.cache.copy_from(donor, length)
        self._count_cached()

    def restart(self, *, long: bool) -> None:
        """Give the cache's memory back and compute everything again; nothing drawn is lost."""
        self.cache.release()
        self.cache.long = long
        self._count_cached()

    def finish_reason(self, token_id: int, *, context: int) -> FinishReason | None:
        """Why the answer ends with `token_id`, or None."""
        if token_id in self.request.sampling.stop_ids:
            return "stop"
        if self.new_tokens + 1 >= self.request.sampling.max_new_tokens or len(self.ids) + 1 >= context:
            return "length"
        return None

    def _count_cached(self) -> None:
        """Not once words were drawn: what is computed again then is no longer the prompt's matter."""
        if not self.new_tokens:
            self.cached_tokens = self.cache.length
