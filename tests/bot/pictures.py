"""Pictures as people post them, made by Pillow."""

import io
from typing import Any

from PIL import Image, ImageDraw

RED, BLUE = (220, 30, 30), (30, 30, 220)


def halves(width: int = 120, height: int = 80) -> Image.Image:
    """Red on the left, blue on the right: which way up it is can be seen."""
    image = Image.new("RGB", (width, height), RED)
    ImageDraw.Draw(image).rectangle((width // 2, 0, width, height), fill=BLUE)
    return image


def saved(image: Image.Image, format_: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def png(image: Image.Image | None = None) -> bytes:
    return saved(image or halves(), "PNG")


def opened(stored: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(stored))
    image.load()
    return image


def is_near(pixel: Any, colour: tuple[int, int, int], *, by: int = 24) -> bool:
    return all(abs(channel - wanted) <= by for channel, wanted in zip(pixel, colour, strict=True))
