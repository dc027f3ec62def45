"""Drawings made by hand: their images are blank, for the talk looks at facts only."""

from PIL import Image

from training.drawing import Box, Chart, Cover, Drawing, Facts, Page, Scene, Shape, Text
from training.talk.question import View

SIZE = (200, 200)


def drawing(facts: Facts, size: tuple[int, int] = SIZE) -> Drawing:
    return Drawing(image=Image.new("RGB", size), facts=facts)


def view(facts: Facts, place: int = 0, size: tuple[int, int] = SIZE) -> View:
    return View(place=place, drawing=drawing(facts, size))


def text(words: str, top: float = 0, left: float = 0, *, random: bool = False, held_out: bool = False) -> Text:
    glyphs: tuple[Box, ...] = tuple(
        (left + 8.0 * place, top, left + 8.0 * place + (0 if letter == " " else 7), top + 18)
        for place, letter in enumerate(words)
    )
    return Text(
        text=words, glyphs=glyphs, face="DejaVu Sans", size_px=18, contrast=9.0, random=random, held_out=held_out
    )


def shape(name: str, x: float, y: float, side: float = 30) -> Shape:
    """With its middle at x and y."""
    colour, form = name.split()
    return Shape(form=form, colour=colour, box=(x - side / 2, y - side / 2, x + side / 2, y + side / 2))


def scene(*shapes: Shape, background: str = "white") -> Scene:
    return Scene(shapes=shapes, background=background)


COVER = Cover(title=text("Night River", 20), author=text("Clara Stone", 150, random=True), colour="purple")
EMBLEM = shape("orange star", 100, 100)
BAR_CHART = Chart(
    what="bar",
    labels=(text("Ab", 180, 10), text("Cd", 180, 70), text("Ef", 180, 130)),
    values=(0.3, 0.9, 0.6),
    marks=((10, 120, 40, 170), (70, 20, 100, 170), (130, 70, 160, 170)),
    title=text("Rain", 2),
)
SIGN = Page(what="sign", rows=((text("OPEN", 20),), (text("qwzt", 80, random=True),)), colour="green")
RECEIPT = Page(
    what="receipt",
    rows=(
        (text("Corner", 0),),
        (text("Milk", 30), text("1.20", 30, 100)),
        (text("Bread", 60), text("2.50", 60, 100)),
        (text("Total", 90), text("3.70", 90, 100)),
    ),
    colour="white",
)
TABLE = Page(
    what="table",
    rows=(
        (text("Name", 0), text("Age", 0, 100)),
        (text("Ann", 30), text("31", 30, 100)),
        (text("Bob", 60), text("45", 60, 100)),
    ),
    colour="white",
)
