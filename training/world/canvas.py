"""Sheets of everyday sizes, and the few things that are drawn on them."""

import random

import msgspec
from PIL import Image, ImageDraw

from training.drawing import Box, Shape, Text
from training.world.chance import chance
from training.world.colours import RGB, Paint
from training.world.forms import OUTLINES, load_mask
from training.world.lettering import Lettering

# Whole crops of 112 pixels, by the picture's aspect: a model that takes four sees them as they are drawn, one that takes
# more sees them enlarged.
SQUARE = (224, 224)
LANDSCAPE = ((224, 149), (224, 168), (224, 186))
PORTRAIT = ((149, 224), (168, 224), (186, 224))
WIDE = ((224, 112), (224, 126))
BANNER = ((448, 112), (336, 112))
LARGEST_PX = 900
LETTERS_IN_A_SIDE = 12  # the smallest letters are this part of the longer side


class Size(msgspec.Struct, frozen=True):
    """Of a sheet, in pixels."""

    width: int
    height: int

    @property
    def longer(self) -> int:
        """Its longer side."""
        return max(self.width, self.height)

    @property
    def shorter(self) -> int:
        """Its shorter side."""
        return min(self.width, self.height)

    @property
    def letters(self) -> int:
        """The smallest size of letters on it: 18 pixels on 224."""
        return self.longer // LETTERS_IN_A_SIDE

    @property
    def unit(self) -> float:
        """What is one pixel where the longer side has 224."""
        return self.longer / 224


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """A shape to be drawn, in a square of `side` pixels."""

    form: str
    way: int = 0  # of drawing it
    paint: Paint
    left: int
    top: int
    side: int

    @property
    def shape(self) -> Shape:
        """What people see."""
        left, top, right, bottom = load_mask(self.form, self.way, self.side).getbbox() or (0, 0, 0, 0)
        box = (self.left + left, self.top + top, self.left + right, self.top + bottom)
        return Shape(form=self.form, colour=self.paint.name, box=box)


def draw_way(rng: random.Random, form: str) -> int:
    """One of the ways to draw a form."""
    return rng.randrange(len(OUTLINES[form]))


def draw_size(
    rng: random.Random, *, square: int, landscape: int, portrait: int, wide: int = 0, banner: int = 0
) -> Size:
    """A sheet; the numbers weigh its aspect. Seven of ten are drawn at these sizes, the others larger."""
    aspects = ((SQUARE,), LANDSCAPE, PORTRAIT, WIDE, BANNER)
    width, height = rng.choice(rng.choices(aspects, (square, landscape, portrait, wide, banner))[0])
    if chance(rng, 0.7):
        return Size(width, height)
    scale = rng.uniform(1.2, min(3.2, LARGEST_PX / max(width, height)))
    return Size(round(width * scale), round(height * scale))


class Canvas:
    """A sheet that is being drawn on."""

    def __init__(self, size: Size, ground: RGB) -> None:
        self.image = Image.new("RGB", (size.width, size.height), ground)
        self.pen = ImageDraw.Draw(self.image)

    def write(self, lettering: Lettering) -> Text:
        """Letters."""
        block = lettering.block
        for line, place in zip(block.lines, lettering.places, strict=True):
            self.pen.text(place, line, lettering.ink, block.font.pillow, anchor="ls")
        return lettering.text

    def stamp(self, stamp: Stamp) -> Shape:
        """A shape."""
        self.image.paste(stamp.paint.rgb, (stamp.left, stamp.top), load_mask(stamp.form, stamp.way, stamp.side))
        return stamp.shape

    def fill(self, box: Box, rgb: RGB) -> None:
        """A rectangle; its right and bottom are outside."""
        left, top, right, bottom = box
        self.pen.rectangle((left, top, right - 1, bottom - 1), fill=rgb)

    def frame(self, box: Box, rgb: RGB, thick: int) -> None:
        """A rectangle's border."""
        left, top, right, bottom = box
        self.pen.rectangle((left, top, right - 1, bottom - 1), outline=rgb, width=thick)
