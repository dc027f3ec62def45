from concurrent.futures import Future

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_worker.engine.engine import Engine
from inference_worker.engine.request import ConversationKey, PictureKey, Prompt
from inference_worker.image.processor import Crops
from tests.inference_worker.engine.small import (
    BORDER,
    LONG_STORY,
    PICTURES,
    STOP,
    TILING,
    Answers,
    BuildEngine,
    from_scratch,
    picture,
    prompt_of,
    request,
    run,
    small_model,
)

MODEL = small_model()

words = st.integers(0, STOP - 1)
parts = (
    st.lists(words | st.sampled_from(PICTURES), min_size=1, max_size=BORDER - 4)
    .map(
        # two pictures never touch: in the real format a BOS stands between them
        lambda drawn: [part for item in drawn for part in ([item, 1] if isinstance(item, PictureKey) else [item])]
    )
    .filter(lambda drawn: sum(isinstance(part, PictureKey) for part in drawn) <= 3)
)
prompts = parts.map(prompt_of)


def tokens_run(engine: Engine) -> list[int]:
    """How many positions each step computes, from now on."""
    counts: list[int] = []
    inner = engine._runner.run

    def counting(rows):  # noqa: ANN001, ANN202 - a spy
        counts.append(sum(row.tokens for row in rows))
        return inner(rows)

    engine._runner.run = counting
    return counts


@settings(max_examples=25, deadline=None)
@given(st.lists(prompts, min_size=1, max_size=4), st.sampled_from([3, 16, 512]))
def test_a_batch_answers_like_one_by_one_from_scratch(
    engine_for: BuildEngine, asked: list[Prompt], chunk_tokens: int
) -> None:
    requests = [request(str(index), prompt, new=8) for index, prompt in enumerate(asked)]
    answers = run(engine_for(MODEL, chunk_tokens=chunk_tokens), *requests)
    for one in requests:
        assert answers.tokens[one.id] == from_scratch(MODEL, one)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(parts, st.integers(1, 12)), min_size=2, max_size=4))
def test_a_follow_up_answers_as_if_nothing_were_cached(engine_for: BuildEngine, turns: list[tuple[list, int]]) -> None:
    engine = engine_for(MODEL)
    said: list = []
    for number, (words_and_pictures, new) in enumerate(turns):
        said += words_and_pictures
        turn = request(str(number), prompt_of(said), new=new, conversation="c")
        answers = run(engine, turn)
        assert answers.tokens[turn.id] == from_scratch(MODEL, turn)
        said += [*answers.tokens[turn.id], 2]


def test_a_follow_up_computes_only_its_new_words(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL)
    start = [1, 2, picture("a"), 1, 5, 6]
    first = run(engine, request("1", prompt_of(start), new=4, conversation="c"))
    counts = tokens_run(engine)
    answer = first.tokens["1"]
    more = prompt_of([*start, *answer, 9, 8, 7])
    second = run(engine, request("2", more, new=1, conversation="c"))
    assert sum(counts) == 4, "three new words, and the last token of the answer that was drawn and never run"
    assert second.finished["2"].cached_tokens == len(more.ids) - 4


def test_a_sequence_that_crosses_the_border_while_decoding_answers_as_if_uncached(engine_for: BuildEngine) -> None:
    crossing = request("c", prompt_of([1, 5, picture("a"), *LONG_STORY[: BORDER - TILING.tokens - 6]]), new=12)
    assert len(crossing.prompt.ids) < BORDER < len(crossing.prompt.ids) + 12
    assert run(engine_for(MODEL), crossing).tokens["c"] == from_scratch(MODEL, crossing)


def test_branching_back_below_the_border_answers_as_if_uncached(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL)
    run(engine, request("long", prompt_of(LONG_STORY), conversation="c"))
    short = request("short", prompt_of(LONG_STORY[:20]), conversation="c")
    answers = run(engine, short)
    assert answers.tokens["short"] == from_scratch(MODEL, short)
    assert answers.finished["short"].cached_tokens == 0


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, BORDER), st.lists(words, min_size=1, max_size=20)), min_size=2, max_size=5),
    st.sampled_from([100, 250, 2000]),
)
def test_what_another_conversation_has_computed_answers_as_if_nothing_were_cached(
    engine_for: BuildEngine, asked: list[tuple[int, list[int]]], room: int
) -> None:
    engine = engine_for(MODEL, kv_budget_bytes=MODEL.kv_bytes_per_token * room)
    for number, (shared, own) in enumerate(asked):
        one = request(str(number), prompt_of([1, picture("a"), 1, *LONG_STORY[:shared], *own]), new=4)
        assert run(engine, one).tokens[one.id] == from_scratch(MODEL, one)


def test_conversations_of_one_tenant_share_what_their_prompts_begin_with(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL)
    start = [1, picture("a"), 1, 4, 5]
    run(engine, request("1", prompt_of([*start, 6]), conversation="c"))
    counts = tokens_run(engine)
    other = request("2", prompt_of([*start, 7, 8]), new=1, conversation="d")
    answers = run(engine, other)
    assert sum(counts) == 2
    assert answers.finished["2"].cached_tokens == len(other.prompt.ids) - 2
    engine.forget("c", epoch=1)
    follow_up = request("3", prompt_of([*start, 7, 8, *answers.tokens["2"], 9]), conversation="d")
    assert run(engine, follow_up).tokens["3"] == from_scratch(MODEL, follow_up)


def test_tenants_share_nothing(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL)
    asked = request("1", prompt_of(LONG_STORY[:30]))
    run(engine, asked)
    elsewhere = msgspec.structs.replace(asked, id="2", conversation=ConversationKey(name="d", tenant="elsewhere"))
    assert run(engine, elsewhere).finished["2"].cached_tokens == 0


def test_of_two_answers_at_once_in_one_conversation_the_later_one_leaves_its_cache(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL)
    first = request("1", prompt_of([1, 2, 3]), new=3, conversation="c")
    second = request("2", prompt_of([1, 2, 4]), new=9, conversation="c")
    answers = run(engine, first, second)
    assert answers.tokens["2"] == from_scratch(MODEL, second)
    follow_up = request("3", prompt_of([1, 2, 4, *answers.tokens["2"], 5]), conversation="c")
    assert run(engine, follow_up).finished["3"].cached_tokens == len(follow_up.prompt.ids) - 2


def test_preemption_under_a_small_budget_loses_no_token(engine_for: BuildEngine) -> None:
    requests = [request(str(n), prompt_of([1 + n, *LONG_STORY[:100]]), new=90) for n in range(4)]
    roomy = run(engine_for(MODEL), *requests)
    budget = MODEL.kv_bytes_per_token * 400
    engine = engine_for(MODEL, kv_budget_bytes=budget)
    restarted = 0
    for one in requests:
        engine.add(one)
    tight: dict[str, list[int]] = {}
    while not engine._scheduler.is_empty or not engine._inbox.empty():
        for output in engine.step():
            if hasattr(output, "token_id"):
                tight.setdefault(output.request_id, []).append(output.token_id)
        engine.check_integrity()
        assert engine._scheduler._running_bytes() <= budget
        restarted += any(sequence.new_tokens and not sequence.cache.length for sequence in engine._scheduler._waiting)
    assert restarted, "the budget is small enough that somebody had to make room"
    assert tight == roomy.tokens


@pytest.mark.parametrize("room", [320, 500])
def test_an_answer_that_made_room_goes_on_from_what_an_earlier_one_of_its_conversation_leaves(
    engine_for: BuildEngine, room: int
) -> None:
    engine = engine_for(MODEL, kv_budget_bytes=MODEL.kv_bytes_per_token * room)
    story = LONG_STORY * 2
    asked = [
        request("beside", prompt_of([1, *story[:100]]), new=60),
        request("earlier", prompt_of([3, *story[:20]]), new=60, conversation="c"),
        request("later", prompt_of([2, *story[:100]]), new=room - 250, conversation="c"),
    ]
    answers = run(engine, *asked)
    for one in asked:
        assert answers.tokens[one.id] == from_scratch(MODEL, one)


def test_who_cannot_be_taken_in_beside_another_who_has_just_been_keeps_the_conversation_s_cache(
    engine_for: BuildEngine,
) -> None:
    engine = engine_for(MODEL, kv_budget_bytes=MODEL.kv_bytes_per_token * 400)
    story = (LONG_STORY * 4)[:100]
    said = [5, *story, *run(engine, request("1", prompt_of([5, *story]), conversation="c")).tokens["1"], 2]
    large = request("large", prompt_of([6, *story]), new=3)
    follow_up = request("2", prompt_of([*said, *story, *story]), conversation="c", new=3)
    answers = run(engine, large, follow_up)
    assert answers.finished["2"].cached_tokens > 100
    assert answers.tokens["2"] == from_scratch(MODEL, follow_up)


def test_idle_conversations_make_room_least_recently_used_first(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL, kv_budget_bytes=MODEL.kv_bytes_per_token * 300)
    for name in "abc":
        run(engine, request(name, prompt_of((LONG_STORY * 2)[:105]), conversation=name))
    assert [key.name for key in engine._scheduler.residents.conversations()] == ["b", "c"]


def test_an_aborted_answer_says_nothing_more_and_its_conversation_goes_on(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL)
    start = [1, picture("a"), 1, *LONG_STORY[:10]]
    engine.add(request("stopped", prompt_of(start), new=50, conversation="c"))
    drawn = [output.token_id for _ in range(5) for output in engine.step()]
    engine.abort("stopped")
    follow_up = request("next", prompt_of([*start, *drawn, 2, 3]), conversation="c")
    answers = run(engine, follow_up)
    assert "stopped" not in answers.tokens
    assert answers.tokens["next"] == from_scratch(MODEL, follow_up)
    assert answers.finished["next"].cached_tokens >= len(prompt_of(start).ids)


def test_forgetting_leaves_what_was_asked_under_the_new_epoch(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL)
    fresh = msgspec.structs.replace(request("1", prompt_of([1, 4, 5])), conversation=ConversationKey(name="c", epoch=1))
    engine.add(fresh)
    engine.forget("c", epoch=1)
    answers = Answers(tokens={}, finished={}, failed={})
    for _ in range(10):
        answers.take(engine.step())
    assert answers.tokens["1"] == from_scratch(MODEL, fresh)
    assert engine._scheduler.residents.conversations() == (fresh.conversation,)


def test_the_same_seed_draws_the_same_answer_in_any_company(engine_for: BuildEngine) -> None:
    drawn = request("drawn", prompt_of([1, 2, 3]), new=20, temperature=1.5, seed=7)
    alone = run(engine_for(MODEL), drawn).tokens["drawn"]
    company = [request(str(n), prompt_of([n, n + 1]), new=20, temperature=1.0, seed=n) for n in range(3)]
    assert run(engine_for(MODEL), *company, drawn).tokens["drawn"] == alone
    other = msgspec.structs.replace(drawn, sampling=msgspec.structs.replace(drawn.sampling, seed=8))
    assert run(engine_for(MODEL), other).tokens["drawn"] != alone


def test_an_answer_ends_at_a_stop_id_which_is_not_part_of_it(engine_for: BuildEngine) -> None:
    endless = request("1", prompt_of([1, 2, 3]), new=30)
    tokens = run(engine_for(MODEL), endless).tokens["1"]
    stop = next(token for index, token in enumerate(tokens) if index and token not in tokens[:index])
    stopped = request("1", prompt_of([1, 2, 3]), new=30, stop_ids=frozenset({stop}))
    answers = run(engine_for(MODEL), stopped)
    assert answers.tokens["1"] == tokens[: tokens.index(stop)]
    assert answers.finished["1"].reason == "stop"


def test_an_answer_ends_where_the_context_does(engine_for: BuildEngine) -> None:
    answers = run(engine_for(MODEL, context=30), request("1", prompt_of(LONG_STORY[:25]), new=100))
    assert len(answers.tokens["1"]) == 5
    assert answers.finished["1"].reason == "length"


def test_more_requests_than_places_are_all_answered(engine_for: BuildEngine) -> None:
    requests = [request(str(n), prompt_of([n, 2, 3]), new=3) for n in range(7)]
    answers = run(engine_for(MODEL, max_sequences=2), *requests)
    for one in requests:
        assert answers.tokens[one.id] == from_scratch(MODEL, one)


def test_a_short_question_does_not_wait_for_a_long_prompt(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL, chunk_tokens=8)
    engine.add(request("long", prompt_of([LONG_STORY[i % 60] for i in range(300)]), new=1))
    engine.step()
    short = request("short", prompt_of([1, 2, 3]), new=1)
    engine.add(short)
    steps = next(step for step in range(1, 100) if any(output.request_id == "short" for output in engine.step()))
    assert steps == 1


def test_of_equally_long_prompts_the_older_is_answered_first(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL, chunk_tokens=8)
    for name in "ab":
        engine.add(request(name, prompt_of([5, *LONG_STORY[:39]]), conversation=name, new=1))
    first = next(outputs for outputs in (engine.step() for _ in range(9)) if outputs)
    assert {output.request_id for output in first} == {"a"}


def test_after_a_broken_step_everybody_is_told_and_the_engine_goes_on(
    engine_for: BuildEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_for(MODEL)
    engine.add(request("1", prompt_of([1, 2, 3])))
    monkeypatch.setattr(engine._runner, "run", lambda _rows: 1 / 0)
    with pytest.raises(ZeroDivisionError) as broken:
        engine.step()
    assert [output.request_id for output in engine.recover(broken.value)] == ["1"]
    monkeypatch.undo()
    again = request("2", prompt_of([1, 2, 3]))
    assert run(engine, again).tokens["2"] == from_scratch(MODEL, again)


def test_whoever_fails_in_a_step_that_breaks_is_told(engine_for: BuildEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    # The sequence was gone, its failure with the step: nobody ever ended its answer.
    engine = engine_for(MODEL)
    future: Future[Crops] = Future()
    bad = msgspec.structs.replace(request("bad", prompt_of([1, picture("b"), 1])), load_crops=lambda _: future)
    engine.add(bad)
    engine.step()
    engine.add(request("good", prompt_of([1, 2, 3])))
    future.set_exception(LookupError("gone"))
    monkeypatch.setattr(engine._runner, "run", lambda _rows: 1 / 0)
    told = engine.step()
    with pytest.raises(ZeroDivisionError) as broken:
        engine.step()
    assert [output.request_id for output in told + engine.recover(broken.value)] == ["bad", "good"]
