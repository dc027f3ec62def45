"""What the engine needs of the memory and the arithmetic of attention. `backends/` has one file for each way."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from torch import Tensor

from inference_worker.model.decoder import Attention


class Cache(Protocol):
    """One sequence's keys and values in every layer, for positions 0 .. length-1.

    `long` says which rope factors the keys carry: all of them the same, or the cache is not usable.
    """

    length: int
    long: bool

    @property
    def capacity(self) -> int:
        """Positions that fit without growing."""
        ...

    @property
    def size_bytes(self) -> int:
        """Memory held, used or not."""
        ...

    def growth_bytes(self, length: int) -> int:
        """Memory that `reserve(length)` would take beyond what is held."""
        ...

    def reserve(self, length: int) -> None:
        """Make room for `length` positions, keeping what is there."""
        ...

    def copy_from(self, other: "Cache", length: int) -> None:
        """Go on to `length` with copies of another cache's positions, whose earlier ones are those held here."""
        ...

    def truncate(self, length: int) -> None:
        """Forget the positions from `length` on; memory that little of is still in use goes back."""
        ...

    def release(self) -> None:
        """Forget everything and give the memory back; the cache is as good as new."""
        ...


class Span(NamedTuple):
    """One sequence's share of a step: the next `tokens` positions after those its cache has."""

    cache: Cache
    tokens: int

    @property
    def total(self) -> int:
        """Positions that the sequence has after the step."""
        return self.cache.length + self.tokens


class Backend(Protocol):
    """Where keys and values live, and who attends to them."""

    name: str  # for the log

    def new_cache(self) -> Cache:
        """An empty cache of a new sequence."""
        ...

    def indices(self, spans: Sequence[Span]) -> list[list[int]]:
        """What `attention` will need on the device of this step, so that it goes there with everything else."""
        ...

    def attention(self, spans: Sequence[Span], indices: Sequence[Tensor]) -> Attention:
        """The attention of one step: `spans` in the order of the batch's rows, their `indices` on the device."""
        ...

    def check_integrity(self, caches: Iterable[Cache]) -> None:
        """Assert what must hold of the memory, between any two steps, when these are all caches there are."""
        ...
