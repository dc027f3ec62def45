"""Lines of letters: broken to a width, set in a face and a size, and placed."""

import random
from typing import Literal

import msgspec

from training.drawing import Text
from training.world.colours import RGB, contrast
from training.world.faces import HELD_OUT, Font, load_font
from training.world.words import Wording

Align = Literal["left", "middle", "right"]
MEASURE_PX = 64  # lines are measured in this size first
LEADING = 1.2  # from baseline to baseline, in sizes


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of one size, broken but not yet placed."""

    wording: Wording
    lines: tuple[str, ...]
    face: str
    size_px: int

    @property
    def font(self) -> Font:
        """That it is set in."""
        return load_font(self.face, self.size_px)

    @property
    def pitch(self) -> int:
        """Pixels from baseline to baseline."""
        return round(self.size_px * LEADING)

    @property
    def width(self) -> float:
        """Of the longest line, in pixels."""
        return max(self.font.width(line) for line in self.lines)

    @property
    def height(self) -> float:
        """From the top of tall letters to the bottom of deep ones, in pixels."""
        return self.font.rise + self.font.drop + self.pitch * (len(self.lines) - 1)

    def placed(self, x: float, top: float, *, align: Align, ink: RGB, ground: RGB) -> "Lettering":
        """With its top at `top`, and its left end, middle or right end at `x`."""
        return Lettering(block=self, x=x, top=top, align=align, ink=ink, ground=ground)


class Lettering(msgspec.Struct, frozen=True, kw_only=True):
    """Lines in their place."""

    block: Block
    x: float  # of the left ends, the middles or the right ends
    top: float
    align: Align
    ink: RGB
    ground: RGB

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Left ends of the lines on the baseline, in pixels."""
        font = self.block.font
        shift = {"left": 0.0, "middle": 0.5, "right": 1.0}[self.align]
        first = round(self.top + font.rise)
        return tuple(
            (round(self.x - shift * font.width(line)), first + n * self.block.pitch)
            for n, line in enumerate(self.block.lines)
        )

    @property
    def text(self) -> Text:
        """What it says, and where each character is. Lines are joined by blanks."""
        block = self.block
        ends = [" "] * (len(block.lines) - 1) + [""]
        boxes = [
            block.font.boxes(line + end, left, baseline)
            for line, end, (left, baseline) in zip(block.lines, ends, self.places, strict=True)
        ]
        return Text(
            text=block.wording.text,
            glyphs=tuple(box for line in boxes for box in line),
            face=block.face,
            size_px=block.size_px,
            contrast=contrast(self.ink, self.ground),
            random=block.wording.random,
            held_out=block.face in HELD_OUT,  # and so are its words
        )


def one_line(wording: Wording, face: str, size_px: int) -> Block:
    """In one line, however wide."""
    return Block(wording=wording, lines=(wording.text,), face=face, size_px=size_px)


def fit(
    rng: random.Random,
    wording: Wording,
    face: str,
    *,
    width: float,
    smallest: int,
    biggest: float,
    most_lines: int = 1,
) -> Block | None:
    """Set within a width in one of the sizes from smallest to biggest, or not at all."""
    wanted = max(smallest, round(smallest * (max(1.0, biggest / smallest) ** rng.random())))
    size = 0
    lines: tuple[str, ...] = ()
    for tried in breaks(face, wording.text)[:most_lines]:
        widest = max(load_font(face, MEASURE_PX).width(line) for line in tried)
        room = min(wanted, int(width / widest * MEASURE_PX))
        if room > size:
            size, lines = room, tried
    while size >= smallest:
        block = Block(wording=wording, lines=lines, face=face, size_px=size)
        if block.width <= width:  # small letters are hinted, and may be wider than they were measured
            return block
        size -= 1
    return None


def breaks(face: str, text: str) -> tuple[tuple[str, ...], ...]:
    """In one line, and in two as even as can be."""
    words = text.split(" ")
    if len(words) == 1:
        return ((text,),)
    font = load_font(face, MEASURE_PX)
    twos = [(" ".join(words[:n]), " ".join(words[n:])) for n in range(1, len(words))]
    return ((text,), min(twos, key=lambda lines: max(map(font.width, lines))))
