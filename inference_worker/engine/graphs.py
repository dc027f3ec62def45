"""Decode steps in buffers that never move, so that a GPU replays each as one CUDA graph.

A decode step is some thousand small kernels: starting them one by one would cost more than to run them. Steps are
padded to a few sizes; each size is captured when it is first met, which takes a moment.
"""

from collections.abc import Sequence
from typing import Any

import structlog
import torch
from torch import Tensor

from inference_worker.engine.backend import Backend, Span
from inference_worker.engine.backends.paged import PagedAttention, PagedBackend, Pages
from inference_worker.engine.packing import pack
from inference_worker.model.phi3v import Phi3V

log = structlog.get_logger()

MOST_SEQUENCES = 32  # beyond, kernels are large enough to hide their start


class StaticStep:
    """One decode step of `sequences` sequences that hold up to `blocks` blocks each."""

    def __init__(self, model: Phi3V, backend: PagedBackend, *, sequences: int, blocks: int) -> None:
        self._model = model
        self._backend = backend
        self._sequences = sequences
        self._blocks = blocks
        self._inputs = torch.zeros(sequences * (4 + blocks), dtype=torch.int32, device=model.device)
        sizes = [sequences] * 4 + [sequences * blocks]
        self._ids, self._long, places, lengths, table = torch.split(self._inputs, sizes)
        self._pages = Pages(places=places, lengths=lengths, block_table=table.view(sequences, blocks))
        self._graph: torch.cuda.CUDAGraph | None = None
        self._logits: Tensor | None = None  # what the graph writes

    def fill(self, ids: Sequence[int], spans: Sequence[Span]) -> None:
        """Set the inputs, in one copy; what is missing is padded."""
        padding = [0] * (self._sequences - len(spans))
        where = self._backend.padded_indices(spans, sequences=self._sequences, blocks=self._blocks)
        lists = [[*ids, *padding], [*(int(span.cache.long) for span in spans), *padding], *where]
        self._inputs.copy_(pack(lists, self._model.device), non_blocking=True)

    def run(self) -> Tensor:
        """Logits (sequences, vocab) of what `fill` has set; of a captured step, until it runs again."""
        if self._graph is None or self._logits is None:
            return self._compute()
        self._graph.replay()
        return self._logits

    def capture(self, memory: Any) -> None:
        """Record the step, after `fill`: it is run to warm up, and its writes go where the step's own belong.

        `memory` is a handle of torch's, shared by all graphs.

        Raises:
            RuntimeError: something in the step cannot be recorded.
        """
        beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch types no streams
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            self._compute()
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=memory, capture_error_mode="thread_local"):
            self._logits = self._compute()
        self._graph = graph

    def _compute(self) -> Tensor:
        hidden = self._model.embed(self._ids)  # (sequences, hidden)
        cos, sin = self._model.rope.cos_sin(self._pages.lengths - 1, long=self._long.bool())
        attention = PagedAttention(self._backend.pool, self._backend.kernel, self._pages)
        return self._model.logits(self._model(hidden, cos, sin, attention))


class StaticDecoder:
    """Runs decode steps of up to `MOST_SEQUENCES` sequences, each at the next larger size there is."""

    def __init__(self, model: Phi3V, backend: PagedBackend, *, captures: bool) -> None:
        self._model = model
        self._backend = backend
        self._captures = captures
        self._memory = torch.cuda.graph_pool_handle() if captures else None  # graphs never run together
        self._steps: dict[tuple[int, int], StaticStep] = {}

    @property
    def captured(self) -> int:
        """Sizes that were met and are replayed."""
        return len(self._steps) if self._captures else 0

    def run(self, ids: Sequence[int], spans: Sequence[Span]) -> Tensor:
        """Logits (sequences, vocab) of one token for each sequence."""
        blocks = max(self._backend.pool.blocks_for(span.total) for span in spans)
        size = power_of_two(len(spans)), power_of_two(blocks)
        step = self._steps.get(size)
        if step is not None:
            step.fill(ids, spans)
        else:
            step = StaticStep(self._model, self._backend, sequences=size[0], blocks=size[1])
            step.fill(ids, spans)
            self._capture(step)
            self._steps[size] = step
        return step.run()[: len(spans)]

    def _capture(self, step: StaticStep) -> None:
        if not self._captures:
            return
        try:
            step.capture(self._memory)
        except RuntimeError as error:
            log.warning("decode steps cannot be captured; they run kernel by kernel", reason=str(error))
            self._captures = False


def build_static_decoder(model: Phi3V, backend: Backend) -> StaticDecoder | None:
    """What replays decode steps on a GPU; None elsewhere."""
    if model.device.type != "cuda" or not isinstance(backend, PagedBackend):
        return None
    return StaticDecoder(model, backend, captures=True)


def power_of_two(number: int) -> int:
    """The smallest that is not below.

    >>> power_of_two(1), power_of_two(3), power_of_two(32)
    (1, 4, 32)
    """
    return 1 << (number - 1).bit_length()
