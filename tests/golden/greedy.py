"""Generation the plain way: one sequence, its own cache, one token a step. The slow twin of any engine."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from inference_worker.model.phi3v import Phi3V


class Memory:
    """The model's `Attention` for one sequence: keys and values of every layer so far."""

    def __init__(self) -> None:
        self._layers: dict[int, tuple[Tensor, Tensor]] = {}  # each (tokens so far, kv_heads, head_dim)

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Causal over everything so far: the first call brings many rows, each later one a single row."""
        first = layer not in self._layers
        if not first:
            assert len(query) == 1, "one token a step"
            keys, values = self._layers[layer]
            key, value = torch.cat([keys, key]), torch.cat([values, value])
        self._layers[layer] = key, value
        queries, keys, values = (states.transpose(0, 1)[None] for states in (query, key, value))  # (1, heads, ...)
        mixed = functional.scaled_dot_product_attention(queries, keys, values, is_causal=first, enable_gqa=True)
        return mixed[0].transpose(0, 1)  # (rows, heads, head_dim)


class PlainSequence:
    """Ids, and what has been computed of them. Negative ids stand for the rows of `features`, in order."""

    def __init__(self, model: Phi3V, ids: Sequence[int], features: Tensor | None = None) -> None:
        self.ids = list(ids)
        self._model = model
        self._features = features
        self._memory = Memory()
        self._computed = 0
        self._long = False

    @torch.inference_mode()
    def run(self, *, last: int = 1) -> Tensor:
        """Compute what is new; logits of the `last` rows of it (last, vocab).

        When the length comes to ask for the other rope factors, everything is new.
        """
        long = self._model.rope.uses_long(len(self.ids))
        if long != self._long:
            self._memory, self._computed, self._long = Memory(), 0, long
        hidden = embed(self._model, self.ids[self._computed :], self._features)
        positions = torch.arange(self._computed, len(self.ids))
        cos, sin = self._model.rope.cos_sin(positions, long=long)
        hidden = self._model(hidden, cos, sin, self._memory)
        self._computed = len(self.ids)
        return self._model.logits(hidden[-last:])


@torch.inference_mode()
def embed(model: Phi3V, ids: Sequence[int], features: Tensor | None) -> Tensor:
    """Rows of ids, and of features where an id is negative: in the pictures' order, as the reference does."""
    tokens = torch.tensor(ids)
    hidden = model.embed(tokens.clamp(min=0))
    if features is not None and (tokens < 0).any():
        hidden[tokens < 0] = features
    return hidden


def greedy(
    model: Phi3V,
    ids: Sequence[int],
    features: Tensor | None = None,
    *,
    max_new_tokens: int,
    stop_ids: frozenset[int] = frozenset(),
) -> list[int]:
    """The likeliest token, again and again, up to a stop id (which is left out)."""
    sequence = PlainSequence(model, ids, features)
    while len(sequence.ids) < len(ids) + max_new_tokens:
        token = int(sequence.run().argmax())
        if token in stop_ids:
            break
        sequence.ids.append(token)
    return sequence.ids[len(ids) :]
