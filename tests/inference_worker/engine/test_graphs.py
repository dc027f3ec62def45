import pytest
import torch

from inference_worker.engine.backend import Span
from inference_worker.engine.backends.paged import PagedBackend
from inference_worker.engine.graphs import StaticDecoder
from inference_worker.engine.packing import to_device
from inference_worker.model.phi3v import Phi3V
from tests.inference_worker.engine.small import (
    BLOCK,
    paged_backend,
    prompt_of,
    request,
    run,
    small_model,
    static_engine,
)

MODEL = small_model()


def filled(backend: PagedBackend, lengths: list[int]) -> list[Span]:
    """One token to come for sequences of these lengths, whose keys and values are drawn."""
    draw = torch.Generator().manual_seed(3)
    spans = []
    for length in lengths:
        cache = backend.new_cache()
        cache.reserve(length + 1)
        places = torch.tensor(cache.places(0, length))
        for layer in range(MODEL.config.layers):
            key, value = torch.randn(2, length, MODEL.config.kv_heads, MODEL.config.head_dim, generator=draw)
            backend.pool.write(layer, places, key, value)
        cache.length = length
        cache.long = length > 2 * BLOCK
        spans.append(Span(cache, 1))
    return spans


def plainly(model: Phi3V, backend: PagedBackend, ids: list[int], spans: list[Span]) -> torch.Tensor:
    """The slow twin: the same step, as any mixture of rows is run."""
    positions = torch.tensor([span.cache.length for span in spans])
    long = torch.tensor([span.cache.long for span in spans])
    cos, sin = model.rope.cos_sin(positions, long=long)
    attention = backend.attention(spans, to_device(backend.indices(spans), model.device))
    return model.logits(model(model.embed(torch.tensor(ids)), cos, sin, attention))


@pytest.mark.parametrize("lengths", [[5], [BLOCK, 1, 3 * BLOCK + 2], [7] * 9])
def test_a_padded_step_gives_each_sequence_the_logits_of_the_plain_one(lengths: list[int]) -> None:
    backend = paged_backend(MODEL)
    spans = filled(backend, lengths)
    ids = [3 + n for n in range(len(lengths))]
    static = StaticDecoder(MODEL, backend, captures=False).run(ids, spans)
    assert static.shape == (len(lengths), MODEL.config.vocab_size)
    assert (static - plainly(MODEL, backend, ids, spans)).abs().max() < 1e-4


def test_padding_leaves_every_block_as_it_was() -> None:
    backend = paged_backend(MODEL)
    spans = filled(backend, [5, 9, 2])  # run as four
    untouched = [
        n
        for n in range(backend.pool.spare_place)
        if n not in {span.cache.places(span.cache.length, span.total)[0] for span in spans}
    ]
    before = [keys[untouched].clone() for keys in backend.pool._keys]
    StaticDecoder(MODEL, backend, captures=False).run([1, 2, 3], spans)
    for keys, old in zip(backend.pool._keys, before, strict=True):
        assert torch.equal(keys[untouched], old)


def test_few_sizes_serve_all_steps_of_a_conversation() -> None:
    engine = static_engine(MODEL)
    run(engine, *[request(str(n), prompt_of([1, 2, 3 + n]), new=60) for n in range(5)])
    static = engine._runner._static
    assert static is not None
    assert sorted(static._steps) == [(8, 1), (8, 2), (8, 4)], (
        "five sequences are padded to eight, blocks to a power of two"
    )
