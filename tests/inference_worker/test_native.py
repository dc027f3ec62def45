import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from msgspec.structs import replace
from PIL import Image

from inference_worker.answer_engine import CUT_OFF, Answered, Text
from inference_worker.app import load_native
from inference_worker.dialogue import Dialogue
from inference_worker.native import NativeEngine
from inference_worker.settings import WorkerSettings
from jobs import Picture, Sampling, Turn
from jobs.errors import PictureGone
from tests.inference_worker.dialogues import dialogue, picture, turn

EXAMPLES = Path(__file__).parents[2] / "examples"
DIALOGUES = [json.loads(line) for line in (EXAMPLES / "dialogues.jsonl").read_text().splitlines()]


@pytest.fixture
async def engine() -> AsyncIterator[NativeEngine]:
    loaded = load_native(WorkerSettings(model="tiny", device="cpu", threads=1))
    assert isinstance(loaded.engine, NativeEngine)
    loaded.engine.start()
    yield loaded.engine
    await loaded.engine.close()


def shown(*names: str) -> tuple[tuple[Picture, ...], dict[str, bytes]]:
    """Example pictures, numbered, and their bytes by digest."""
    stored = {name: (EXAMPLES / "pictures" / name).read_bytes() for name in names}
    pictures = []
    for number, name in enumerate(names, start=1):
        width, height = Image.open(io.BytesIO(stored[name])).size
        pictures.append(picture(name, number, width=width, height=height))
    return tuple(pictures), stored


async def answer(engine: NativeEngine, asked: Dialogue) -> tuple[str, Answered]:
    text = ""
    async with aclosing(engine.answer(asked)) as parts:
        async for part in parts:
            if isinstance(part, Answered):
                return text, part
            text += part.text
    raise AssertionError("no last word")


def past(source: str, question: str, text: str, answered: Answered, *pictures: Picture) -> Turn:
    return turn(source, question, text, *pictures, token_ids=answered.token_ids, fingerprint=answered.fingerprint)


async def test_every_example_is_answered_rightly_with_all_of_them_at_once(engine: NativeEngine) -> None:
    async def talk(number: int, drawn: dict) -> list[str]:
        pictures, stored = shown(*drawn["pictures"])
        turns: tuple[Turn, ...] = ()
        texts = []
        for index, one in enumerate(drawn["turns"]):
            brought = () if index else pictures
            asked = dialogue(one["question"], *brought, turns=turns, stored=stored, source=f"{number}.{index}")
            text, answered = await answer(engine, in_thread(asked, number))
            turns += (past(f"{number}.{index}", one["question"], text, answered, *brought),)
            texts.append(text)
        return texts

    told = await asyncio.gather(*[talk(number, drawn) for number, drawn in enumerate(DIALOGUES)])
    assert told == [[one["answer"] for one in drawn["turns"]] for drawn in DIALOGUES]


def in_thread(asked: Dialogue, number: int) -> Dialogue:
    return replace(asked, conversation=replace(asked.conversation, thread=str(number)))


async def test_a_follow_up_pays_only_for_its_new_words(engine: NativeEngine) -> None:
    (cover,), stored = shown("cover_moon.png")
    first_question = "Help me get the title and author information of this book?"
    text, first = await answer(engine, dialogue(first_question, cover, stored=stored))
    turns = (past("1", first_question, text, first, cover),)
    # Nothing is stored any more: the picture is neither fetched nor looked at again.
    text, second = await answer(engine, dialogue("Who wrote this book?", turns=turns, stored={}, source="2"))
    assert text == "The author is Jonas Berg."
    new_tokens = second.usage.prompt_tokens - second.usage.cached_tokens
    assert new_tokens < 20 < first.usage.prompt_tokens


async def test_a_picture_that_is_gone_is_left_out_and_named(engine: NativeEngine) -> None:
    (lost, cover), stored = shown("cover_moon.png", "cover_river.png")
    del stored[lost.digest]
    asked = dialogue("Who wrote this book?", cover, turns=(turn("1", "?", "!", lost),), stored=stored)
    text, answered = await answer(engine, asked)
    assert text == "The author is Clara Stone."
    assert answered.notices == ("Picture 1 is no longer stored. Please post it again.",)


async def test_a_question_whose_only_picture_is_gone_is_not_answered_blindly(engine: NativeEngine) -> None:
    (lost,), _ = shown("cover_moon.png")
    with pytest.raises(PictureGone, match="Picture 1"):
        await answer(engine, dialogue("Who wrote this book?", lost))


async def test_a_picture_that_goes_missing_in_mid_answer_ends_it(
    engine: NativeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cover,), stored = shown("cover_moon.png")
    words = "Help me get the title and author information of this book?"
    text, first = await answer(engine, dialogue(words, cover, stored=stored))
    asked = dialogue(words, turns=(past("1", words, text, first, cover),), source="2")
    inner = engine._engine._engine
    # The answer crosses the border of the rope factors, is computed again, and wants the picture, which nobody has.
    border = len(engine._prompts.build(asked, reserve=64).prompt.ids) + 6
    monkeypatch.setattr(inner._scheduler._model.rope, "longest_short", border)
    inner._features.clear()
    said: list[str] = []

    async def listen() -> None:
        async with aclosing(engine.answer(asked)) as parts:
            async for part in parts:
                assert isinstance(part, Text), "it has no end"
                said.append(part.text)

    with pytest.raises(PictureGone, match="Picture 1"):
        await listen()
    assert said
    assert text.startswith("".join(said))


async def test_a_lost_picture_does_not_make_follow_ups_dear(engine: NativeEngine) -> None:
    (lost, cover), stored = shown("cover_moon.png", "cover_river.png")
    without = {cover.digest: stored[cover.digest]}
    words, follow_up = "Who wrote this book?", "What color is the cover?"
    turns = (turn("1", "?", "!", lost),)
    text, first = await answer(engine, dialogue(words, cover, turns=turns, stored=without, source="2"))
    turns += (past("2", words, text, first, cover),)
    for source in ("3", "4"):
        text, answered = await answer(engine, dialogue(follow_up, turns=turns, stored=without, source=source))
        assert answered.usage.prompt_tokens - answered.usage.cached_tokens < 40 < answered.usage.cached_tokens
        assert answered.notices == first.notices == ("Picture 1 is no longer stored. Please post it again.",)
        turns += (past(source, follow_up, text, answered),)
    text, answered = await answer(engine, dialogue(follow_up, turns=turns, stored=stored, source="5"))
    assert answered.notices == (), "it is stored again"


async def test_what_is_known_of_lost_pictures_is_forgotten_with_the_conversation(engine: NativeEngine) -> None:
    (lost,), _ = shown("cover_moon.png")
    asked = dialogue("Who wrote this book?", turns=(turn("1", "?", "!", lost),), source="2")
    await answer(engine, asked)
    assert engine._gone.of(asked.conversation) == {lost.digest}
    engine.forget(asked.conversation, epoch=1)
    assert engine._gone.of(asked.conversation) == set()


async def test_a_lost_picture_that_is_read_beside_the_conversation_is_not_missing_in_it(engine: NativeEngine) -> None:
    (lost,), _ = shown("cover_moon.png")
    asked = replace(dialogue("Read it.", lost), one_shot=True)
    with pytest.raises(PictureGone):
        await answer(engine, asked)
    assert engine._gone.of(asked.conversation) == set()


async def test_a_lost_picture_that_two_conversations_show_is_named_as_each_numbers_it(engine: NativeEngine) -> None:
    (lost,), _ = shown("cover_moon.png")

    async def lose(wanted: Picture) -> bytes:
        await asyncio.sleep(0.2)  # the other one waits for the same picture by then
        raise PictureGone(number=wanted.number)

    asked = [
        replace(
            in_thread(dialogue("Who?", turns=(turn("1", "?", "!", replace(lost, number=number)),)), number),
            load_picture=lose,
        )
        for number in (1, 5)
    ]
    told = await asyncio.gather(*(answer(engine, one) for one in asked))
    assert [answered.notices for _, answered in told] == [
        (f"Picture {number} is no longer stored. Please post it again.",) for number in (1, 5)
    ]


async def test_leaving_early_stops_the_answer(engine: NativeEngine) -> None:
    (cover,), stored = shown("cover_moon.png")
    async with aclosing(engine.answer(dialogue("What color is the cover?", cover, stored=stored))) as parts:
        async for part in parts:
            assert isinstance(part, Text)
            break
    again = dialogue("What color is the cover?", cover, stored=stored, source="2")
    assert (await answer(engine, again))[0] == "The cover is red."


async def test_a_job_may_ask_for_fewer_words(engine: NativeEngine) -> None:
    (cover,), stored = shown("cover_moon.png")
    asked = dialogue("Who wrote this book?", cover, stored=stored, sampling=Sampling(max_new_tokens=3))
    _, answered = await answer(engine, asked)
    assert answered.usage.new_tokens == 3
    assert answered.notices == (CUT_OFF,)


async def test_a_job_that_is_run_again_draws_the_same_answer_and_another_job_another(engine: NativeEngine) -> None:
    (cover,), stored = shown("cover_moon.png")
    hot = Sampling(temperature=5.0, max_new_tokens=12)

    async def draw(source: str) -> str:
        asked = dialogue("Who wrote this book?", cover, stored=stored, sampling=hot, source=source)
        return (await answer(engine, asked))[0]

    assert await draw("1") == await draw("1")
    assert await draw("1") != await draw("2")
