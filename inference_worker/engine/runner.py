"""Runs one step on the model: token ids and picture features in, drawn token ids out."""

from collections.abc import Sequence as Rows
from itertools import accumulate

import torch
from torch import Tensor

from inference_worker.engine.backend import Backend
from inference_worker.engine.graphs import MOST_SEQUENCES, build_static_decoder
from inference_worker.engine.packing import to_device
from inference_worker.engine.sampler import sample
from inference_worker.engine.scheduler import Row
from inference_worker.model.phi3v import Phi3V


class ModelRunner:
    """The only one who calls the language model. All rows of all sequences run as one flat batch."""

    def __init__(self, model: Phi3V, backend: Backend) -> None:
        self._model = model
        self._backend = backend
        self._device = model.device
        self._static = build_static_decoder(model, backend)

    @torch.inference_mode()
    def run(self, rows: Rows[Row]) -> list[int]:
        """Compute the rows into their caches; the next id of each row that draws, in order."""
        logits = self._run_decode(rows) if self._is_static(rows) else self._run_any(rows)
        drawing = [row.sequence for row in rows if row.draws]
        if not drawing:
            return []
        return sample(
            logits,
            [sequence.request.sampling for sequence in drawing],
            [sequence.generator for sequence in drawing],
        )

    def is_sound(self) -> bool:
        """Whether the device still computes: after some errors a GPU fails at everything that this process asks of it."""
        if self._device.type == "cuda":
            try:
                torch.zeros(1, device=self._device).add_(1)
                torch.cuda.synchronize(self._device)
            except RuntimeError:
                return False
        return True

    def _is_static(self, rows: Rows[Row]) -> bool:
        """Whether everybody decodes one token that is a word, and there is a static step for so many."""
        return (
            self._static is not None
            and len(rows) <= MOST_SEQUENCES
            and all(row.tokens == 1 and row.draws and row.sequence.ids[-1] >= 0 for row in rows)
        )

    def _run_decode(self, rows: Rows[Row]) -> Tensor:
        """Logits (rows, vocab) where `_is_static`."""
        assert self._static is not None
        return self._static.run([row.sequence.ids[-1] for row in rows], [row.span for row in rows])

    def _run_any(self, rows: Rows[Row]) -> Tensor:
        """Logits (drawing rows, vocab) of any mixture of rows."""
        spans = [row.span for row in rows]
        ids = [max(id_, 0) for row in rows for id_ in _next_ids(row)]  # below 0 is a picture: overwritten
        positions = [position for span in spans for position in range(span.cache.length, span.total)]
        long = [int(span.cache.long) for span in spans for _ in range(span.tokens)]
        ends = accumulate(span.tokens for span in spans)
        last = [end - 1 for row, end in zip(rows, ends, strict=True) if row.draws]
        ours: list[list[int]] = [ids, positions, long, last]
        on_device = to_device([*ours, *self._backend.indices(spans)], self._device)

        hidden = self._model.embed(on_device[0])  # (tokens, hidden)
        _place_features(rows, hidden)
        cos, sin = self._model.rope.cos_sin(on_device[1], long=on_device[2].bool())
        attention = self._backend.attention(spans, on_device[len(ours) :])
        hidden = self._model(hidden, cos, sin, attention)  # (tokens, hidden)
        drawing = hidden[on_device[3]]  # (drawing rows, hidden)
        return self._model.logits(drawing) if last else drawing


def _next_ids(row: Row) -> list[int]:
    start = row.sequence.cache.length
    return row.sequence.ids[start : start + row.tokens]


def _place_features(rows: Rows[Row], hidden: Tensor) -> None:
    """Overwrite the positions of picture slots: a slot may begin, continue or end within this step."""
    offset = 0  # of the row in the flat batch
    for row in rows:
        start = row.sequence.cache.length
        for slot in row.sequence.open_slots():
            first, last = max(slot.start, start), min(slot.stop, start + row.tokens)
            if first >= last:
                break
            features = row.sequence.features[slot.key]  # (slot tokens, hidden)
            shift = offset - start
            hidden[first + shift : last + shift] = features[first - slot.start : last - slot.start]
        offset += row.tokens
