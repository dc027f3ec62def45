import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_worker.engine.paged_cache import BlockPool, PagedCache
from inference_worker.engine.request import ConversationKey
from inference_worker.engine.residents import Residents
from tests.inference_worker.engine.small import (
    BLOCK,
    BuildEngine,
    from_scratch,
    paged_backend,
    paged_engine,
    prompt_of,
    request,
    run,
    small_config,
    small_model,
    static_engine,
)

CONFIG = small_config()


def small_pool(blocks: int = 8) -> BlockPool:
    position_bytes = 2 * CONFIG.layers * CONFIG.kv_heads * CONFIG.head_dim * 4
    return BlockPool(
        CONFIG,
        budget_bytes=blocks * BLOCK * position_bytes + position_bytes,  # a little more than whole blocks
        dtype=torch.float32,
        device=torch.device("cpu"),
        block_size=BLOCK,
    )


def test_a_pool_has_as_many_whole_blocks_as_the_budget_pays_for() -> None:
    pool = small_pool(blocks=8)
    assert pool.blocks == pool.free_blocks == 8
    assert pool.block_bytes == BLOCK * 2 * CONFIG.layers * CONFIG.kv_heads * CONFIG.head_dim * 4


def test_a_cache_takes_a_block_only_when_the_last_one_is_full() -> None:
    pool = small_pool()
    cache = PagedCache(pool)
    assert cache.growth_bytes(BLOCK) == pool.block_bytes
    cache.reserve(BLOCK)
    assert (cache.capacity, pool.free_blocks) == (BLOCK, 7)
    assert cache.growth_bytes(BLOCK) == 0
    cache.reserve(BLOCK + 1)
    assert (cache.capacity, cache.size_bytes, pool.free_blocks) == (2 * BLOCK, 2 * pool.block_bytes, 6)


def test_what_is_cut_off_goes_back_but_for_the_block_that_is_still_in_use() -> None:
    pool = small_pool()
    cache = PagedCache(pool)
    cache.reserve(4 * BLOCK)
    cache.length = 4 * BLOCK
    kept = cache.blocks[:2]
    cache.truncate(BLOCK + 1)
    assert (cache.length, cache.blocks, pool.free_blocks) == (BLOCK + 1, kept, 6)
    cache.release()
    assert (cache.length, cache.blocks, pool.free_blocks) == (0, [], 8)


def test_positions_are_found_again_whatever_blocks_they_are_in() -> None:
    pool = small_pool()
    other, cache = PagedCache(pool), PagedCache(pool)
    for length in range(1, 3 * BLOCK + 2):  # the two grow by turns
        other.reserve(length)
        cache.reserve(length)
    places = cache.places(0, 3 * BLOCK + 1)
    keys = torch.randn(len(places), CONFIG.kv_heads, CONFIG.head_dim)
    blocks, _ = pool.write(1, torch.tensor(places), keys, keys)
    side_by_side = blocks[cache.blocks].flatten(0, 1)
    assert torch.equal(side_by_side[: len(places)], keys)
    assert not set(places) & set(other.places(0, other.capacity))


@pytest.mark.parametrize("build", [paged_engine, static_engine])
def test_what_an_answer_that_overflowed_leaves_in_its_blocks_is_nobody_else_s(build: BuildEngine) -> None:
    model = small_model()
    engine = build(model)
    pool = engine._scheduler._backend.pool
    for numbers in [*pool._keys, *pool._values]:
        numbers.fill_(torch.nan)
    asked = [request("short", prompt_of([1, 2, 3])), request("long", prompt_of([*range(2 * BLOCK)]))]
    answers = run(engine, *asked)
    for one in asked:
        assert answers.tokens[one.id] == from_scratch(model, one)


@pytest.mark.parametrize("fault", ["lost", "held twice", "held and free"])
def test_a_block_without_exactly_one_owner_is_found(fault: str) -> None:
    backend = paged_backend(small_model())
    one, two = backend.new_cache(), backend.new_cache()
    one.reserve(3 * BLOCK)
    two.reserve(2 * BLOCK)
    backend.check_integrity([one, two])
    if fault == "lost":
        one.blocks.pop()
    elif fault == "held twice":
        two.blocks[0] = one.blocks[0]
    else:
        backend.pool.give_back([one.blocks[0]])
    with pytest.raises(AssertionError, match="exactly one owner"):
        backend.check_integrity([one, two])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["keep", "take", "forget", "oldest", "clear"]), st.integers(0, 3)), max_size=30)
)
def test_no_block_is_lost_whatever_is_done_with_residents(actions: list[tuple[str, int]]) -> None:
    backend = paged_backend(small_model())
    residents = Residents()
    for action, number in actions:
        conversation = ConversationKey(name=str(number))
        ids = list(range(20 + 13 * number))
        if action == "keep":
            cache = backend.new_cache()
            cache.reserve(len(ids))
            cache.length = len(ids)
            residents.keep(conversation, ids, cache)
        elif action == "take":
            taken = residents.take(conversation, [*ids[: 17 * number], -1, -2], long=number == 3)
            backend.check_integrity([*residents.caches(), *([taken] if taken else [])])
            if taken:
                taken.release()
        elif action == "forget":
            residents.forget(str(number), epoch=1)
        elif action == "oldest":
            residents.drop_oldest()
        else:
            residents.clear()
        backend.check_integrity(residents.caches())
    residents.clear()
    assert backend.pool.free_blocks == backend.pool.blocks
