"""Dialogues made by hand, about pictures of one colour: what is on disk and in the scores needs no more."""

from PIL import Image

from training.dialogue import Cite, Dialogue, Exchange, Piece, Task
from training.drawing import Box, Cover, Drawing, Scene, Shape, Text


def glyphs(text: str, top: float) -> tuple[Box, ...]:
    return tuple((10.0 * place, top, 10.0 * place + 8, top + 20) for place in range(len(text)))


TITLE = Text(text="Alone", glyphs=glyphs("Alone", 20), face="DejaVu Sans", size_px=24, contrast=3.456)
AUTHOR = Text(text="Xqzt", glyphs=glyphs("Xqzt", 120), face="DejaVu Serif", size_px=20, contrast=9.0, random=True)
COVER = Drawing(image=Image.new("RGB", (160, 240), "purple"), facts=Cover(title=TITLE, author=AUTHOR, colour="purple"))
SCENE = Drawing(
    image=Image.new("RGB", (200, 100), "white"),
    facts=Scene(shapes=(Shape(form="square", colour="red", box=(10, 10, 40, 40)),), background="white"),
)


def spelled(text: Text, picture: int = 0) -> Piece:
    return Piece(text.text, Cite(picture=picture, boxes=text.glyphs), spelled=True)


DIALOGUE = Dialogue(
    pictures=(COVER, SCENE),
    exchanges=(
        Exchange(
            task=Task.TITLE,
            question="Title and author?",
            answer=(
                Piece('The title is "'),
                spelled(TITLE),
                Piece('" and the author is '),
                spelled(AUTHOR),
                Piece("."),
            ),
            shows=(0,),
            random=True,
        ),
        Exchange(
            task=Task.COLOUR,
            question="What color is the square?",
            answer=(Piece("The square is "), Piece("red", Cite(picture=1, boxes=((10, 10, 40, 40),))), Piece(".")),
            shows=(1,),
        ),
        Exchange(
            task=Task.COLOUR,
            question="And the cover?",
            answer=(Piece("The cover is "), Piece("purple", Cite(picture=0, boxes=((0, 0, 160, 240),))), Piece(".")),
            refers_back=True,
            phrasing_held_out=True,
            held_out=True,
        ),
    ),
)
