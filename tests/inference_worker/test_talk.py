"""The model from Python."""

import asyncio
import io
from pathlib import Path

from PIL import Image

from inference_worker.talk import open_model


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
