"""What stands in a drawn picture: the truth that questions are asked about and that the trainer looks at.

All boxes are (left, top, right, bottom) in pixels of the picture as drawn.
"""

import msgspec
from PIL import Image

Box = tuple[float, float, float, float]


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A line of words: `glyphs` has one box for each character of `text` (of a blank: an empty one)."""

    text: str
    glyphs: tuple[Box, ...]
    face: str
    size_px: int  # the font's; at least a twelfth of the picture's longer side
    contrast: float  # WCAG's ratio, 3 and more
    random: bool = False  # letters drawn at random, not words of a dictionary
    held_out: bool = False  # of words or a face that training never sees

    @property
    def box(self) -> Box:
        """Around all of it."""
        return around(self.glyphs)


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One shape of a scene, or the emblem of a cover."""

    form: str
    colour: str
    box: Box

    @property
    def name(self) -> str:
        """As people say it."""
        return f"{self.colour} {self.form}"


class Cover(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A book cover."""

    title: Text
    author: Text
    colour: str
    emblem: Shape | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something to read: `what` is "sign", "page", "receipt" or "table". Lines from top to bottom, cells from the left."""

    what: str
    rows: tuple[tuple[Text, ...], ...]
    colour: str  # of the ground


class Chart(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`what` is "bar", "line" or "pie". `marks` are the bars, points or slices, in the labels' order."""

    what: str
    labels: tuple[Text, ...]
    values: tuple[float, ...]  # parts of the axis, 0 to 1
    marks: tuple[Box, ...]
    title: Text | None = None
    lying: bool = False  # bars from left to right, labels on their left
    spots: tuple[tuple[Box, ...], ...] = ()  # points all over each slice of a pie, as boxes without a size

    @property
    def ends(self) -> tuple[Box, ...]:
        """Where one sees how large each mark is: the ends of bars, points; of a slice the label beside its middle."""
        match self.what:
            case "pie":
                return tuple(label.box for label in self.labels)
            case "bar" if self.lying:
                return tuple((right - 1, top, right, bottom) for _, top, right, bottom in self.marks)
            case "bar":
                return tuple((left, top, right, top + 1) for left, top, right, _ in self.marks)
            case _:
                return self.marks


class Scene(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One to six coloured shapes on a plain ground."""

    shapes: tuple[Shape, ...]
    background: str


Facts = Cover | Page | Chart | Scene


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """A picture, RGB, and what it shows."""

    image: Image.Image
    facts: Facts

    @property
    def texts(self) -> tuple[Text, ...]:
        """All that can be read, in reading order."""
        match self.facts:
            case Cover(title=title, author=author):
                return (title, author)
            case Page(rows=rows):
                return tuple(text for row in rows for text in row)
            case Chart(title=title, labels=labels):
                return (*((title,) if title else ()), *labels)
            case Scene():
                return ()

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """All shapes."""
        match self.facts:
            case Scene(shapes=shapes):
                return shapes
            case Cover(emblem=Shape() as emblem):
                return (emblem,)
            case _:
                return ()


def around(boxes: tuple[Box, ...]) -> Box:
    """The smallest box around boxes, the empty ones apart."""
    full = [box for box in boxes if box[2] > box[0]]
    lefts, tops, rights, bottoms = zip(*full, strict=True)
    return (min(lefts), min(tops), max(rights), max(bottoms))
