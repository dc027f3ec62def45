import math
from pathlib import Path

import pytest
import torch

from inference_worker.model.config import ModelConfig, read_config
from inference_worker.model.rope import RotaryEmbedding, rotate
from tests.inference_worker.model.folders import SMALL, write_config

FACTORS = SMALL["rope_scaling"]


@pytest.fixture
def config(tmp_path: Path) -> ModelConfig:
    return read_config(write_config(tmp_path))


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("position", [0, 1, 15, 16, 1000, 131071])
def test_angles_are_position_over_factor_times_theta_to_the_power(
    config: ModelConfig, position: int, *, long: bool
) -> None:
    factors = config.long_factor if long else config.short_factor
    assert factors is not None
    cos, sin = RotaryEmbedding(config).cos_sin(torch.tensor([position]), long=long)
    for index in range(8):
        angle = position / (factors[index % 4] * 10000.0 ** (index % 4 / 4))
        assert cos[0, index].item() == pytest.approx(math.sqrt(2) * math.cos(angle), abs=position * 2e-7 + 1e-6)
        assert sin[0, index].item() == pytest.approx(math.sqrt(2) * math.sin(angle), abs=position * 2e-7 + 1e-6)


def test_the_long_factors_begin_one_token_after_the_trained_context(config: ModelConfig) -> None:
    rope = RotaryEmbedding(config)
    assert [rope.uses_long(total) for total in (1, 15, 16, 17, 256)] == [False, False, False, True, True]


def test_without_factors_no_length_is_long(tmp_path: Path) -> None:
    rope = RotaryEmbedding(read_config(write_config(tmp_path, rope_scaling=None)))
    assert not rope.uses_long(10**6)
    cos, _ = rope.cos_sin(torch.tensor([3]), long=False)
    assert cos[0, 0].item() == pytest.approx(math.cos(3))


def test_sequences_of_both_kinds_share_a_batch(config: ModelConfig) -> None:
    rope = RotaryEmbedding(config)
    positions = torch.tensor([0, 5, 9, 20, 21])
    long = torch.tensor([False, True, False, True, True])
    together = rope.cos_sin(positions, long=long)
    for row, position in enumerate(positions):
        alone = rope.cos_sin(position[None], long=bool(long[row]))
        assert torch.equal(together[0][row], alone[0][0])
        assert torch.equal(together[1][row], alone[1][0])


def test_rotated_queries_and_keys_meet_at_the_distance_of_their_positions(config: ModelConfig) -> None:
    rope = RotaryEmbedding(config)
    query, key = torch.randn(2, 1, 1, 8, generator=torch.Generator().manual_seed(0)).unbind()

    def score(query_at: int, key_at: int) -> float:
        turned = [
            rotate(states, *rope.cos_sin(torch.tensor([position]), long=True))
            for states, position in ((query, query_at), (key, key_at))
        ]
        return float((turned[0] * turned[1]).sum())

    assert score(90, 40) == pytest.approx(score(60, 10), abs=1e-4)
    assert score(90, 40) != pytest.approx(score(90, 10), abs=1e-2)


def test_angles_survive_a_model_built_without_memory_and_refuse_sixteen_bits(config: ModelConfig) -> None:
    with torch.device("meta"):
        rope = RotaryEmbedding(config)
    cos, _ = rope.cos_sin(torch.tensor([7]), long=False)
    assert torch.equal(cos, RotaryEmbedding(config).cos_sin(torch.tensor([7]), long=False)[0])
    with pytest.raises(AssertionError, match="never the angles"):
        rope.to(torch.bfloat16).cos_sin(torch.tensor([7]), long=False)
