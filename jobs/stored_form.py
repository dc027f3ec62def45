"""The form of a picture's pixels wherever it is stored: plain 8-bit RGB, so that everybody sees the same picture."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image


def on_white(image: "Image.Image") -> "Image.Image":
    """Plain 8-bit RGB of any mode: 16 and 32 bits scaled down, transparency laid on white."""
    from PIL import Image  # noqa: PLC0415 - both sides have it; the contract itself needs none

    if image.mode.startswith("I;16"):
        image = image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    elif image.mode in {"I", "F"}:
        image = _stretched(image)
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def _stretched(image: "Image.Image") -> "Image.Image":
    """Samples without a fixed range (32 bits, floats) from their own darkest to their own brightest."""
    darkest, brightest = image.getextrema()
    assert isinstance(darkest, int | float)
    assert isinstance(brightest, int | float)
    scale = 255 / ((brightest - darkest) or 1)
    offset = -darkest * scale
    return image.point(lambda value: value * scale + offset).convert("L")
