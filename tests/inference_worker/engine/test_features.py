from concurrent.futures import Future

import msgspec
import pytest
import torch

from inference_worker.engine.request import PictureKey
from inference_worker.image.processor import Crops
from tests.inference_worker.engine.small import (
    BORDER,
    LONG_STORY,
    PICTURES,
    TILING,
    Answers,
    BuildEngine,
    arrived,
    crops_of,
    from_scratch,
    picture,
    prompt_of,
    request,
    run,
    small_model,
)

MODEL = small_model()


def test_a_different_picture_of_the_same_size_is_not_taken_for_the_cached_one(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL)
    shown = [1, picture("a"), 1, 4, 5]
    run(engine, request("1", prompt_of(shown), conversation="c"))
    other = request("2", prompt_of([1, picture("b"), 1, 4, 5]), conversation="c")
    answers = run(engine, other)
    assert answers.finished["2"].cached_tokens == 1
    assert answers.tokens["2"] == from_scratch(MODEL, other)


def test_forgetting_drops_the_cache_and_the_features_at_once(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL)
    run(engine, request("1", prompt_of([1, picture("a"), 1, 4]), conversation="c"))
    assert engine._features.size_bytes > 0
    engine.forget("c", epoch=1)
    engine.step()
    assert len(engine._scheduler.residents) == 0
    assert engine._features.size_bytes == 0


def test_forgetting_leaves_a_picture_that_another_conversation_shows(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL)
    for name in "cd":
        run(engine, request(name, prompt_of([1, picture("a"), 1, 4]), conversation=name))
    engine.forget("c", epoch=1)
    engine.step()
    assert [key.name for key in engine._scheduler.residents.conversations()] == ["d"]
    assert engine._features.size_bytes > 0


def lost(_key: PictureKey) -> Future[Crops]:
    future: Future[Crops] = Future()
    future.set_exception(LookupError("gone"))
    return future


def test_a_picture_that_cannot_be_loaded_fails_only_its_own_question(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL)
    good = request("good", prompt_of([1, picture("a"), 1, 4]))
    bad = msgspec.structs.replace(request("bad", prompt_of([1, picture("b"), 1, 4])), load_crops=lost)
    answers = run(engine, good, bad)
    assert isinstance(answers.failed["bad"], LookupError)
    assert answers.tokens["good"] == from_scratch(MODEL, good)


class FailsLate(Future[Crops]):
    """Fails as soon as somebody has seen that it has not come yet, as it may on another thread."""

    def done(self) -> bool:
        was_done = super().done()
        if not was_done:
            self.set_exception(LookupError("gone"))
        return was_done


def test_a_picture_that_fails_while_the_engine_looks_around_fails_only_its_own_question(
    engine_for: BuildEngine,
) -> None:
    engine = engine_for(MODEL)
    good = request("good", prompt_of([1, picture("a"), 1, 4]))
    bad = msgspec.structs.replace(request("bad", prompt_of([1, picture("b"), 1, 4])), load_crops=lambda _: FailsLate())
    answers = run(engine, bad, good)
    assert isinstance(answers.failed["bad"], LookupError)
    assert answers.tokens["good"] == from_scratch(MODEL, good)


def test_a_picture_that_cannot_be_loaded_costs_its_conversation_nothing(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL)
    said = [1, picture("a"), 1, *LONG_STORY[:BORDER]]
    said += [*run(engine, request("1", prompt_of(said), conversation="c")).tokens["1"], 2]
    bad = request("2", prompt_of([*said, picture("b"), 1, 4]), conversation="c")
    assert "2" in run(engine, msgspec.structs.replace(bad, load_crops=lost)).failed
    again = request("3", prompt_of([*said, 4]), conversation="c")
    answers = run(engine, again)
    assert answers.finished["3"].cached_tokens == len(again.prompt.ids) - 1
    assert answers.tokens["3"] == from_scratch(MODEL, again)


def test_a_load_that_was_cancelled_is_begun_anew_for_who_still_waits(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL)
    cancelled: Future[Crops] = Future()
    cancelled.cancel()
    loads = iter([cancelled, arrived(picture("a"))])
    asked = msgspec.structs.replace(
        request("1", prompt_of([1, picture("a"), 1, 4])), load_crops=lambda _key: next(loads)
    )
    assert run(engine, asked).tokens["1"] == from_scratch(MODEL, asked)


def test_pictures_that_go_through_the_tower_together_are_not_mixed_up(
    engine_for: BuildEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_for(MODEL)
    engine._features._crops_at_once = 2 * TILING.crops  # a CPU's is 1
    together: list[int] = []
    encode_steps = MODEL.encode_steps
    monkeypatch.setattr(
        MODEL, "encode_steps", lambda crops, tilings: together.append(len(tilings)) or encode_steps(crops, tilings)
    )
    asked = request("1", prompt_of([1, picture("a"), 1, picture("b"), 1, picture("c"), 1, 4]))
    answers = run(engine, asked)
    assert together == [2, 1]
    monkeypatch.undo()
    assert answers.tokens["1"] == from_scratch(MODEL, asked)
    for key in PICTURES:
        alone = MODEL.encode(crops_of(key).pixels, [TILING])[0]
        torch.testing.assert_close(engine._features.get(key, asked.conversation), alone, rtol=1e-4, atol=1e-4)


def test_a_picture_that_cannot_be_loaded_any_more_does_not_fail_who_holds_it(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL, features_budget_bytes=1)  # the latest picture alone
    later: Future[Crops] = Future()

    def load_slowly(key: PictureKey) -> Future[Crops]:
        return later if key == picture("b") else arrived(key)

    parts = [1, picture("b"), 1, picture("a"), 1, 4]
    holding = msgspec.structs.replace(request("holding", prompt_of(parts)), load_crops=load_slowly)
    engine.add(holding)
    for _ in range(3):
        engine.step()  # it has one picture, and waits for the one before it
    run(engine, request("another", prompt_of([1, picture("c"), 1, 4])))
    losing = msgspec.structs.replace(request("losing", prompt_of([1, picture("a"), 1, 4])), load_crops=lost)
    engine.add(losing)
    answers = Answers(tokens={}, finished={}, failed={})
    for _ in range(3):
        answers.take(engine.step())
    assert list(answers.failed) == ["losing"]
    later.set_result(crops_of(picture("b")))
    while "holding" not in answers.finished:
        answers.take(engine.step())
    assert answers.tokens["holding"] == from_scratch(MODEL, holding)


def test_others_are_answered_while_a_picture_is_on_its_way(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL)
    slow: Future[Crops] = Future()
    waiting = msgspec.structs.replace(
        request("waiting", prompt_of([1, 9, picture("a"), 1, 4])), load_crops=lambda _key: slow
    )
    engine.add(waiting)
    quick = request("quick", prompt_of([1, 4, 5]))
    assert run(engine, quick).tokens["quick"] == from_scratch(MODEL, quick)
    slow.set_result(arrived(picture("a")).result())
    answers = run(engine, request("last", prompt_of([1]), new=30))
    assert answers.tokens["waiting"] == from_scratch(MODEL, waiting)


def test_a_picture_shown_in_two_conversations_is_loaded_once(engine_for: BuildEngine) -> None:
    engine = engine_for(MODEL)
    loads: list[PictureKey] = []

    def load(key: PictureKey) -> Future[Crops]:
        loads.append(key)
        return arrived(key)

    asked = [
        msgspec.structs.replace(request(name, prompt_of([1, picture("a"), 1, 4])), load_crops=load) for name in "cd"
    ]
    run(engine, *asked)
    assert loads == [picture("a")]


def test_words_go_on_while_a_picture_is_encoded(engine_for: BuildEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference_worker.engine.features.SLICE_S", 0.0)  # one layer a step
    engine = engine_for(MODEL)
    talking = request("talking", prompt_of([1, 2, 3]), new=30)
    engine.add(talking)
    engine.step()
    looking = request("looking", prompt_of([1, picture("a"), 1, 4]))
    engine.add(looking)
    engine.step()  # asks for the picture
    engine.step()  # begins to encode it
    assert engine._features._encoding is not None, "the tower has a layer left"
    assert [output.request_id for output in engine.step()] == ["talking"]
    answers = run(engine, request("last", prompt_of([1]), new=40))
    assert answers.tokens["looking"] == from_scratch(MODEL, looking)


def test_a_question_that_comes_while_a_picture_is_encoded_is_answered_beside_it(
    engine_for: BuildEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference_worker.engine.features.IDLE_SLICE_S", 0.0)  # one layer a step
    engine = engine_for(MODEL)
    looking = request("looking", prompt_of([picture("a"), 1, 4]))
    engine.add(looking)
    engine.step()  # asks for the picture
    assert engine.step() == []  # begins to encode it
    engine.wait()  # not for anybody: the tower has a layer left
    engine.add(request("quick", prompt_of([1, 2, 3]), new=1))
    assert "quick" in [output.request_id for output in engine.step()]
    answers = run(engine, request("last", prompt_of([1]), new=40))
    assert answers.tokens["looking"] == from_scratch(MODEL, looking)


def test_a_picture_forgotten_while_it_is_encoded_is_not_kept(
    engine_for: BuildEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference_worker.engine.features.SLICE_S", 0.0)
    engine = engine_for(MODEL)
    engine.add(request("talking", prompt_of([1, 2, 3]), new=30))
    engine.step()
    engine.add(request("looking", prompt_of([1, picture("a"), 1, 4]), conversation="c"))
    engine.step()  # asks for the picture
    engine.step()  # begins to encode it
    engine.forget("c", epoch=1)
    for _ in range(5):
        engine.step()
    assert engine._features._encoding is None
    assert engine._features.size_bytes == 0
