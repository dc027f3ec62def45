"""The decoder against transformers' Phi3, which has the same weights under the same names."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import Phi3Config, Phi3ForCausalLM

from inference_worker.model.checkpoint import load_model
from inference_worker.model.phi3v import Phi3V
from tests.golden.greedy import Memory, PlainSequence, greedy
from tests.inference_worker.model.folders import SMALL, write_model

SHAPES: dict[str, dict[str, Any]] = {
    "shared key heads": {},
    "a head each": {"num_key_value_heads": 4},
    "one key head": {"num_key_value_heads": 1},
    "no factors": {"rope_scaling": None},
    "tied": {"tie_word_embeddings": True},
}


@pytest.fixture(params=SHAPES, ids=list(SHAPES))
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_model(tmp_path, **SHAPES[request.param])


@pytest.fixture
def model(folder: Path) -> Phi3V:
    return load_model(folder, dtype=torch.float32)


def twin(model: Phi3V) -> Any:
    config = model.config
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": config.rope_theta}
    if config.short_factor and config.long_factor:
        rope |= {
            "rope_type": "longrope",
            "short_factor": list(config.short_factor),
            "long_factor": list(config.long_factor),
            "original_max_position_embeddings": config.original_max_position_embeddings,
        }
    theirs: dict[str, Any] = {
        **{key: value for key, value in SMALL.items() if key not in {"model_type", "rope_scaling", "img_processor"}},
        "num_key_value_heads": config.kv_heads,
        "rope_parameters": rope,
        "tie_word_embeddings": config.tied,
        "pad_token_id": 0,
        "attn_implementation": "eager",
    }
    phi3: Any = Phi3ForCausalLM(Phi3Config(**theirs))
    phi3.load_state_dict({name: weight for name, weight in model.state_dict().items() if "vision" not in name})
    return phi3.eval()


def whole(model: Phi3V, ids: list[int]) -> Tensor:
    """Logits of every position in one pass, (tokens, vocab)."""
    return PlainSequence(model, ids).run(last=len(ids))


@pytest.mark.parametrize("length", [1, 15, 16, 17, 40])
@torch.inference_mode()
def test_logits_are_those_of_transformers_on_both_sides_of_the_border(model: Phi3V, length: int) -> None:
    ids = [(7 * index + 3) % 50 for index in range(length)]
    expected = twin(model)(torch.tensor([ids]), use_cache=False).logits[0]
    assert torch.allclose(whole(model, ids), expected, atol=1e-5)


def test_cached_steps_equal_the_whole_at_every_length(model: Phi3V) -> None:
    sequence = PlainSequence(model, [1, 5, 9])
    for token in range(3, 30):
        logits = sequence.run()
        assert torch.allclose(logits[0], whole(model, sequence.ids)[-1], atol=1e-5), f"{len(sequence.ids)} tokens"
        sequence.ids.append(token)


@torch.inference_mode()
def test_rows_of_two_sequences_do_not_disturb_each_other(model: Phi3V) -> None:
    prompts = [[1, 2, 3, 4, 5], list(range(20, 40))]  # the second one takes the long factors

    class Apart:
        def __init__(self) -> None:
            self.memories = [Memory() for _ in prompts]

        def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            lengths = [len(ids) for ids in prompts]
            rows = zip(*(torch.split(states, lengths) for states in (query, key, value)), strict=True)
            return torch.cat([memory(layer, *own) for memory, own in zip(self.memories, rows, strict=True)])

    positions = torch.cat([torch.arange(len(ids)) for ids in prompts])
    long = torch.cat([torch.full((len(ids),), model.rope.uses_long(len(ids))) for ids in prompts])
    hidden = model.embed(torch.tensor([token for ids in prompts for token in ids]))
    together = model.logits(model(hidden, *model.rope.cos_sin(positions, long=long), Apart()))
    for ids, logits in zip(prompts, torch.split(together, [len(ids) for ids in prompts]), strict=True):
        assert torch.allclose(logits, whole(model, ids), atol=1e-5)


def test_a_stop_id_ends_generation_and_is_left_out(model: Phi3V) -> None:
    free = greedy(model, [1, 2, 3], max_new_tokens=8)
    stopped = greedy(model, [1, 2, 3], max_new_tokens=8, stop_ids=frozenset({free[3]}))
    assert stopped == free[: free.index(free[3])]


def test_sixteen_bits_stay_near_thirty_two(folder: Path) -> None:
    ids = list(range(3, 30))
    exact = whole(load_model(folder, dtype=torch.float32), ids)
    rounded = whole(load_model(folder, dtype=torch.bfloat16), ids)
    assert rounded.dtype is torch.float32, "logits are always float32"
    assert (rounded - exact).abs().max() < 0.1 * exact.std()
    assert not torch.equal(rounded, exact)
