"""The model from Python."""

import asyncio
import io
from pathlib import Path

import pytest
from PIL import Image

from inference_worker.app import Loaded
from inference_worker.errors import EngineLost
from inference_worker.presets import Presets
from inference_worker.talk import open_model
from tests.inference_worker.scripted_engine import ScriptedEngine


async def test_talks_at_once_get_each_its_own_answer(tmp_path: Path) -> None:
    for colour in ("red", "blue"):
        picture = Image.new("RGB", (224, 224), "white")
        picture.paste(colour, (70, 70, 150, 150))
        picture.save(tmp_path / f"{colour}.png")
    async with asyncio.timeout(60), open_model() as model:
        answers = await asyncio.gather(
            *(model.talk().ask("What color is the square?", tmp_path / f"{colour}.png") for colour in ("red", "blue"))
        )
    assert answers == ["The square is red.", "The square is blue."]


async def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    drawn = Image.new("RGBA", (224, 224))
    drawn.paste("black", (70, 70, 150, 150))
    drawn.save(tmp_path / "black.png")
    async with asyncio.timeout(60), open_model() as model:
        talk = model.talk()
        await talk.ask("What color is the square?", tmp_path / "black.png")
        (stored,) = talk._stored.values()
    with Image.open(io.BytesIO(stored)) as seen:
        assert (seen.mode, seen.getpixel((0, 0)), seen.getpixel((100, 100))) == ("RGB", (255,) * 3, (0,) * 3)


async def test_a_lost_engine_is_told_to_who_waits_for_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = ScriptedEngine()
    engine.hold.clear()
    loaded = Loaded(engine=engine, presets=Presets(), sentence="")
    monkeypatch.setattr("inference_worker.talk.load_native", lambda _settings: loaded)
    async with asyncio.timeout(10), open_model() as model:
        words = model.talk().stream("one two")
        assert await anext(words) == "one "
        engine.lost.set()
        with pytest.raises(EngineLost):
            await anext(words)
    assert engine.stopped_early == 1
