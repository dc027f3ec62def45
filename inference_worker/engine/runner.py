"""Runs one step on the model: token ids and picture features in, drawn token ids out."""

from collections.abc import Sequence as Rows

import torch
from torch import Tensor

from inference_worker.engine.attention import CachedAttention, Segment
from inference_worker.engine.sampler import sample
from inference_worker.engine.scheduler import Row
from inference_worker.model.phi3v import Phi3V


class ModelRunner:
    """The only one who calls the language model. All rows of all sequences run as one flat batch."""

    def __init__(self, model: Phi3V) -> None:
        self._model = model
        self._device = model.device

    @torch.inference_mode()
    def run(self, rows: Rows[Row]) -> list[int]:
        """Compute the rows into their caches; the next id of each row that draws, in order."""
        ids = [id_ for row in rows for id_ in self._next_ids(row)]
        hidden = self._model.embed(torch.tensor(ids, device=self._device).clamp(min=0))  # (tokens, hidden)
        self._place_features(rows, hidden)
        cos, sin = self._cos_sin(rows)
        hidden = self._model(hidden, cos, sin, CachedAttention(self._segments(rows)))  # (tokens, hidden)
        drawing = [row.sequence for row in rows if row.draws]
        if not drawing:
            return []
        logits = self._model.logits(hidden[self._last_rows(rows)])  # (drawing, vocab)
        return sample(
            logits,
            [sequence.request.sampling for sequence in drawing],
            [sequence.generator for sequence in drawing],
        )

    @staticmethod
    def _next_ids(row: Row) -> list[int]:
        start = row.sequence.cache.length
        return row.sequence.ids[start : start + row.tokens]

    @staticmethod
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

    def _cos_sin(self, rows: Rows[Row]) -> tuple[Tensor, Tensor]:
        """Rotations (tokens, head_dim): each sequence by its own positions and its own rope factors."""
        positions = torch.cat([torch.arange(row.tokens) + row.sequence.cache.length for row in rows])
        long = torch.tensor([row.sequence.cache.long for row in rows]).repeat_interleave(
            torch.tensor([row.tokens for row in rows])
        )
        return self._model.rope.cos_sin(positions.to(self._device), long=long.to(self._device))

    def _segments(self, rows: Rows[Row]) -> list[Segment]:
        segments, offset = [], 0
        for row in rows:
            batch_rows = slice(offset, offset + row.tokens)
            segments.append(Segment(rows=batch_rows, cache=row.sequence.cache, device=self._device))
            offset += row.tokens
        return segments

    @staticmethod
    def _last_rows(rows: Rows[Row]) -> list[int]:
        """Where, in the flat batch, each drawing row ends."""
        ends, offset = [], 0
        for row in rows:
            offset += row.tokens
            if row.draws:
                ends.append(offset - 1)
        return ends
