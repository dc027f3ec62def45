import torch

from inference_worker.engine.contiguous_cache import GRANULE, ContiguousCache
from tests.inference_worker.engine.small import small_config


def filled(length: int) -> ContiguousCache:
    cache = ContiguousCache(small_config(), dtype=torch.float32, device=torch.device("cpu"))
    cache.reserve(length)
    for layer in range(len(cache.keys)):
        cache.write(layer, 0, *torch.randn(2, length, 2, 8))
    cache.length = length
    return cache


def test_a_cache_of_which_little_is_left_gives_its_memory_back_and_keeps_the_rest() -> None:
    cache = filled(8 * GRANULE)
    kept = [numbers[:, :5].clone() for numbers in [*cache.keys, *cache.values]]
    cache.truncate(5)
    assert (cache.length, cache.capacity) == (5, GRANULE)
    assert all(map(torch.equal, [numbers[:, :5] for numbers in [*cache.keys, *cache.values]], kept))


def test_a_cache_of_which_most_is_left_stays_where_it_is() -> None:
    cache = filled(8 * GRANULE)
    before = cache.keys[0]
    cache.truncate(7 * GRANULE)
    assert cache.keys[0] is before
