"""Which picture of several a question means: "In the second image, ...", "... in picture 1?"."""

import random
import re

import msgspec

from training.talk.phrasings import HELD_OUT_SHARE, Phrase, lower_first
from training.talk.question import ORDINALS
from training.world.chance import chance
from training.world.split import Split

SEEN = ("In {picture}, {question}", "In {picture}: {question}", "{question_only} in {picture}{mark}")
HELD_OUT = ("Looking at {picture}, {question}", "As for {picture}: {question}", "Back to {picture}: {question}")
NUMBERED = "{Picture}: {question}"
_THIS_PICTURE = re.compile(r"\b(?:this|the) (?:picture|image)\b", re.IGNORECASE)
_THIS_BOOK = re.compile(r"\b(?:this|the) book\b", re.IGNORECASE)


class Name(msgspec.Struct, frozen=True):
    """Of a picture. `ordinal` is its place in words."""

    picture: str
    ordinal: str


def draw_name(rng: random.Random, place: int, count: int) -> Name:
    """The picture at a place (from 0) of so many."""
    what = "picture" if chance(rng, 0.5) else "image"
    ordinal = ORDINALS[place]
    if place == count - 1 and chance(rng, 0.1):
        ordinal = "last"
    if chance(rng, 0.15):
        return Name(f"{what} {place + 1}", ordinal)
    if chance(rng, 0.05):
        return Name(f"the {('1st', '2nd', '3rd', '4th')[place]} {what}", ordinal)
    return Name(f"the {ordinal} {what}", ordinal)


def name_picture(rng: random.Random, split: Split, phrase: Phrase, name: Name, *, books_only: bool) -> Phrase:
    """The question with the picture's name in it. Where all are books, they are counted as books now and then."""
    template = phrase.template
    if _THIS_PICTURE.search(template):
        return Phrase(_THIS_PICTURE.sub(name.picture, template, count=1), phrase.held_out)
    if books_only and _THIS_BOOK.search(template) and chance(rng, 0.5):
        return Phrase(_THIS_BOOK.sub(f"the {name.ordinal} book", template, count=1), phrase.held_out)
    held_out = split is Split.HELD_OUT and chance(rng, HELD_OUT_SHARE / 3)
    frames: tuple[str, ...] = HELD_OUT if held_out else SEEN
    if not held_out and not name.picture.startswith("the ") and chance(rng, 0.3):
        frames = (NUMBERED,)
    question = lower_first(template)
    words = {
        "{picture}": name.picture,
        "{Picture}": name.picture.capitalize(),
        "{question}": question,
        "{question_only}": template.rstrip("?."),
        "{mark}": template[-1] if template[-1] in "?." else "",
    }
    named = re.sub("|".join(map(re.escape, words)), lambda found: words[found[0]], rng.choice(frames))
    return Phrase(named[:1].upper() + named[1:], phrase.held_out or held_out)
