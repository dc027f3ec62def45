"""One step's computation: a batch through the product's own model, to losses and to what it would have said."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
import torch
from torch import Tensor, nn

from inference_worker.model.phi3v import Phi3V
from training.attention import PaddedAttention
from training.batch import Batch
from training.losses import Heads, Losses, hint_loss, pair_loss, words_loss


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch came to. A target is right where the likeliest token is the one to be said."""

    losses: Losses
    word_losses: Tensor  # (targets,)
    right: Tensor  # (targets,) bool


def judge(
    model: Phi3V,
    heads: Heads,
    batch: Batch,
    *,
    hint_layers: Sequence[int],
    comparison_layer: int,
    lookup_layer: int,
    value_layer: int,
    pair_layer: int,
) -> Judged:
    """Forward, with everything that training looks at. Pictures are compared in the first of the `hint_layers`."""
    first = hint_layers[0]
    record = (*hint_layers, lookup_layer, value_layer, pair_layer)
    attention = PaddedAttention(length=batch.length, record=record, device=model.device)
    features = encode(model, batch)
    layers = model.model.layers
    with (
        outputs_of(layers[comparison_layer]) as middle,
        outputs_of(layers[first]) as after_hint,
        outputs_of(layers[lookup_layer]) as after_lookup,
        outputs_of(layers[value_layer]) as after_value,
        outputs_of(layers[pair_layer]) as after_pair,
    ):
        hidden = decode(model, batch, features, attention)
    logits = model.logits(hidden[batch.target_rows])
    word_losses = words_loss(logits, batch)
    return Judged(
        losses=Losses(
            words=word_losses.mean(),
            sight=heads.sight(features, batch.sights),
            comparison=heads.comparison(middle[0], batch.comparisons) + heads.earlier(after_hint[0], batch.comparisons),
            measure=heads.measure(middle[0], batch.measures),
            share=heads.share(features, batch.shares),
            value=heads.value(after_lookup[0], batch.lookups.rows, batch.lookups.values),
            ordinal=heads.ordinal(after_lookup[0], batch.lookups),
            place=heads.place(middle[0], batch.places),
            match=hint_loss(attention, batch.matches, layer=first),
            look=hint_loss(attention, batch.looks, layer=lookup_layer),
            name=hint_loss(attention, batch.names.read, layer=lookup_layer)
            + hint_loss(attention, batch.names.known, layer=value_layer),
            named_value=heads.value(after_value[0], batch.names.known.rows, batch.names.values),
            pair=pair_loss(attention, batch.names, layer=pair_layer),
            lead=heads.value(after_pair[0], batch.names.firsts.rows, batch.names.leads),
            hint=torch.stack([hint_loss(attention, batch.citations, layer=layer) for layer in hint_layers]).sum(),
        ),
        word_losses=word_losses.detach(),
        right=logits.detach().argmax(dim=-1) == batch.target_ids,
    )


def encode(model: Phi3V, batch: Batch) -> Tensor:
    """(tokens of all pictures, hidden)."""
    return torch.cat(model.encode(batch.crops, batch.tilings))


def decode(model: Phi3V, batch: Batch, features: Tensor, attention: PaddedAttention) -> Tensor:
    """(rows of the batch, hidden) after the last norm."""
    embedded = model.embed(batch.ids.flatten())
    hidden = embedded.index_copy(0, batch.picture_rows, features.to(embedded.dtype))
    positions = torch.arange(batch.length, device=model.device).repeat(batch.sequences)
    cos, sin = model.rope.cos_sin(positions, long=model.rope.uses_long(batch.length))
    normalised: Tensor = model(hidden, cos, sin, attention)
    return normalised


@contextmanager
def outputs_of(layer: nn.Module) -> Iterator[list[Tensor]]:
    """What the layer gives, call by call, while this is open."""
    given: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _layer, _inputs, output: given.append(output))
    try:
        yield given
    finally:
        hook.remove()
