import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_worker.engine.backends.paged import PagedBackend
from tests.inference_worker.engine.small import (
    ENGINES,
    BuildEngine,
    paged_engine,
    picture,
    prompt_of,
    request,
    run,
    small_model,
)

MODEL = small_model()
actions = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, 3), st.booleans()),
    st.tuples(st.just("abort"), st.integers(0, 12), st.just(value=False)),
    st.tuples(st.just("forget"), st.integers(0, 3), st.just(value=False)),
    st.tuples(st.just("step"), st.integers(1, 6), st.just(value=False)),
)


@pytest.mark.parametrize("engine_for", ENGINES.values(), ids=ENGINES)
@settings(max_examples=40, deadline=None)
@given(st.lists(actions, max_size=25))
def test_memory_comes_back_whatever_ends_an_answer(
    engine_for: BuildEngine, actions: list[tuple[str, int, bool]]
) -> None:
    """Answers are asked, aborted and forgotten at any moment, in too little memory for all of them."""
    engine = engine_for(MODEL, kv_budget_bytes=MODEL.kv_bytes_per_token * 600, chunk_tokens=20, max_sequences=3)
    asked = 0
    for action, number, resident in actions:
        if action == "ask":
            prompt = prompt_of([1, picture("ab"[number % 2]), 1, *range(2, 50 + number)])
            one = request(str(asked), prompt, new=4 + 30 * number, conversation=f"c{number}")
            engine.add(msgspec.structs.replace(one, resident=resident))
            asked += 1
        elif action == "abort":
            engine.abort(str(number))
        elif action == "forget":
            engine.forget(f"c{number}", epoch=1)
        else:
            for _ in range(number):
                engine.step()
                engine.check_integrity()
    for number in range(4):
        engine.forget(f"c{number}", epoch=1)
    engine.step()
    engine.check_integrity()
    scheduler = engine._scheduler
    assert scheduler.is_empty
    assert scheduler._running_bytes() + scheduler.residents.size_bytes + engine._features.size_bytes == 0
    if isinstance(scheduler._backend, PagedBackend):
        pool = scheduler._backend.pool
        assert pool.free_blocks == pool.blocks


def test_an_answer_that_is_not_to_be_kept_gives_its_memory_back_when_it_ends() -> None:
    engine = paged_engine(MODEL)
    run(engine, msgspec.structs.replace(request("1", prompt_of([1, 2, 3])), resident=False))
    backend = engine._scheduler._backend
    assert isinstance(backend, PagedBackend)
    assert backend.pool.free_blocks == backend.pool.blocks


def test_forgetting_an_answer_in_the_making_gives_its_memory_back() -> None:
    engine = paged_engine(MODEL)
    engine.add(request("1", prompt_of([1, 2, 3]), new=50, conversation="c"))
    for _ in range(4):
        engine.step()
    engine.forget("c", epoch=1)
    engine.step()
    engine.check_integrity()
    backend = engine._scheduler._backend
    assert isinstance(backend, PagedBackend)
    assert backend.pool.free_blocks == backend.pool.blocks
