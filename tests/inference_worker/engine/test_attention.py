import pytest
import torch
from torch import Tensor

from inference_worker.engine.attention import attend_few, attend_many, attend_one


def plain_attention(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """The slow twin, in float64 and head by head; query (tokens, heads, head_dim), the last row sees every key."""
    tokens, heads, head_dim = query.shape
    kv_heads, total, _ = keys.shape
    mixed = torch.empty(query.shape, dtype=torch.float64)
    for head in range(heads):
        of_group = head // (heads // kv_heads)
        for token in range(tokens):
            seen = total - tokens + token + 1
            scores = keys[of_group, :seen].double() @ query[token, head].double() / head_dim**0.5
            mixed[token, head] = scores.softmax(dim=0) @ values[of_group, :seen].double()
    return mixed


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])
@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_one_position_attends_to_what_is_written_and_to_nothing_else(
    dtype: torch.dtype, tolerance: float, kv_heads: int
) -> None:
    draw = torch.Generator().manual_seed(1)
    query = torch.randn(1, 4, 16, generator=draw).to(dtype)
    keys = torch.randn(kv_heads, 128, 16, generator=draw).to(dtype)
    values = torch.randn(kv_heads, 128, 16, generator=draw).to(dtype)
    total = 37
    expected = plain_attention(query, keys[:, :total], values[:, :total])
    for whole in (True, False):
        assert (attend_one(query, keys, values, total, whole=whole) - expected).abs().max() < tolerance
    keys[:, total:], values[:, total:] = 1e3, -1e3  # what an earlier, longer conversation left there
    for whole in (True, False):
        assert (attend_one(query, keys, values, total, whole=whole) - expected).abs().max() < tolerance


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
@pytest.mark.parametrize("tokens", [2, 31])
def test_a_short_chunk_attends_like_a_long_one(kv_heads: int, tokens: int) -> None:
    draw = torch.Generator().manual_seed(3)
    start, capacity = 40, 128
    query = torch.randn(tokens, 4, 16, generator=draw).to(torch.bfloat16)
    keys = torch.randn(kv_heads, capacity, 16, generator=draw).to(torch.bfloat16)
    values = torch.randn(kv_heads, capacity, 16, generator=draw).to(torch.bfloat16)
    total = start + tokens
    expected = plain_attention(query, keys[:, :total], values[:, :total])
    keys[:, total:], values[:, total:] = 1e3, -1e3  # what an earlier, longer conversation left there
    seen = torch.ones(tokens, capacity, dtype=torch.bool).tril(start)
    bias = torch.zeros(tokens, capacity, dtype=torch.bfloat16).masked_fill(~seen, -torch.inf)
    assert (attend_few(query, keys, values, bias) - expected).abs().max() < 0.03


@pytest.mark.parametrize("kv_heads", [2, 4])
@pytest.mark.parametrize("start", [0, 21])
def test_each_position_of_a_chunk_attends_to_the_cache_and_the_chunk_up_to_itself(kv_heads: int, start: int) -> None:
    draw = torch.Generator().manual_seed(2)
    tokens, total = 9, start + 9
    query = torch.randn(tokens, 4, 16, generator=draw)
    keys = torch.randn(kv_heads, total, 16, generator=draw)
    values = torch.randn(kv_heads, total, 16, generator=draw)
    mask = torch.ones(tokens, total, dtype=torch.bool).tril(start) if start else None
    mixed = attend_many(query, keys, values, mask)
    assert (mixed - plain_attention(query, keys, values)).abs().max() < 1e-5
