import pytest
import torch
from torch import Tensor

from inference_worker.engine.attention import ROWS_AT_ONCE, attend_many, attend_one, attend_whole


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


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_one_position_attends_to_all_keys(kv_heads: int) -> None:
    draw = torch.Generator().manual_seed(1)
    query = torch.randn(1, 4, 16, generator=draw)
    keys, values = torch.randn(2, kv_heads, 37, 16, generator=draw)
    assert (attend_one(query, keys, values) - plain_attention(query, keys, values)).abs().max() < 1e-5


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
@pytest.mark.parametrize(("start", "tokens"), [(36, 1), (40, 2), (0, 31), (40, 31), (20, ROWS_AT_ONCE + 40)])
def test_rows_over_a_whole_cache_see_what_is_written_up_to_themselves_and_nothing_else(
    kv_heads: int, start: int, tokens: int
) -> None:
    draw = torch.Generator().manual_seed(3)
    query = torch.randn(tokens, 4, 16, generator=draw).to(torch.bfloat16)
    keys, values = torch.randn(2, kv_heads, 256, 16, generator=draw).to(torch.bfloat16)
    total = start + tokens
    expected = plain_attention(query, keys[:, :total], values[:, :total])
    keys[:, total:], values[:, total:] = 1e3, -1e3  # what an earlier, longer conversation left there
    later = torch.ones(tokens, 256 - start, dtype=torch.bool).triu(1)
    assert (attend_whole(query, keys, values, later) - expected).abs().max() < 0.03


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
