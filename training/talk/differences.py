"""Questions about what differs between pictures.

The words that tell what kind of change it is point to its place in the later picture: it is decided there.
"""

from collections.abc import Sequence

from training.dialogue import Piece, Task
from training.drawing import Box, Chart, Page, Shape, Text
from training.talk.charts import terms_of
from training.talk.question import NUMBERS, ORDINALS, Question, View, add_article, enumerate_pieces, say
from training.talk.several import tell_all
from training.talk.sorts import sort_of
from training.world.changes import Change, Mark, What


def ask_difference(before: View, after: View, change: Change, *, later: bool = False) -> Question:
    """What is different; `later`: the second picture has just come."""
    return Question(
        task=Task.DIFFERENCE,
        wording="difference.since" if later else "difference.what",
        answer=tell_difference(before, after, change),
        tells=frozenset({"difference", "same"}),
    )


def ask_same(before: View, after: View, change: Change, *, doubting: bool = False) -> Question:
    """Whether they are the same; `doubting`: whether they differ."""
    same = change.what is What.NOTHING
    changed = Piece("same" if same else "different")
    if change.after:
        changed = after.point("different", *_boxes(change.after))
    elif change.before:
        changed = before.point("different", *_boxes(change.before))
    return Question(
        task=Task.SAME,
        wording="difference.any" if doubting else "difference.same",
        answer=say("No" if same == doubting else "Yes", ", the pictures are ", "the " if same else "", changed, "."),
        tells=frozenset({"same"}),
    )


def ask_odd_one(views: Sequence[View], place: int) -> Question:
    """Which picture is not like the others."""
    odd, other = views[place], views[place - 1]
    shapes = [shape for shape in odd.drawing.shapes if shape not in other.drawing.shapes]
    return Question(
        task=Task.DIFFERENCE,
        wording="difference.odd",
        fills={"count": NUMBERS[len(views)]},
        answer=say("The ", odd.point(ORDINALS[place], *(shape.box for shape in shapes)), " picture is different."),
        tells=frozenset({"difference"}),
    )


def tell_difference(before: View, after: View, change: Change) -> tuple[Piece, ...]:
    """In a sentence."""
    match change:
        case Change(what=What.ALTOGETHER):
            return _tell_sorts(before, after)
        case Change(before=Shape() | None as old, after=Shape() | None as new):
            return _tell_shapes(before, after, old, new)
        case Change(what=What.BACKGROUND | What.COVER as what, after=str(colour)):
            return say(after.point(f"The {what.value} is now {colour}"), ".")
        case Change(what=what, after=Text() as text):
            return _tell_text(after, what, text)
        case Change(before=Mark() as old, after=Mark() as new):
            return _tell_bar(after, old, new)
        case _:
            raise ValueError(change)


def _tell_sorts(before: View, after: View) -> tuple[Piece, ...]:
    if sort_of(before.drawing) == sort_of(after.drawing):
        return say("The pictures are quite different.")
    return say("The ", enumerate_pieces(tell_all((before, after)), last=" and the "), ".")


def _tell_shapes(before: View, after: View, old: Shape | None, new: Shape | None) -> tuple[Piece, ...]:
    match old, new:
        case Shape(), Shape():
            subject = _tell_old(before, after, old)
            if old.colour != new.colour:
                return say(subject, after.point(f" is now {new.colour}", new.box), ".")
            if old.form != new.form:
                return say(subject, after.point(f" is now {add_article(new.form)}", new.box), ".")
            return say(subject, after.point(" has moved", old.box, new.box), ".")
        case Shape(), None:
            return say(_tell_old(before, after, old), after.point(" is gone", old.box), ".")
        case _, Shape():
            return say(after.point(f"There is a new {new.name}", new.box), ".")
        case _:
            return say(after.point("Nothing"), " is different.")


def _tell_old(before: View, after: View, old: Shape) -> tuple[Piece, ...]:
    """The first word already says that something happened there."""
    return say(after.point("The ", old.box), before.point(old.name, old.box))


def _tell_text(after: View, what: What, text: Text) -> tuple[Piece, ...]:
    match what, after.drawing.facts:
        case What.TITLE, _:
            return say(after.point("The title", text.box), ' is now "', after.spell(text), '".')
        case What.AUTHOR, _:
            return say(after.point("The author", text.box), " is now ", after.spell(text), ".")
        case _, Page(rows=rows) if len(rows) > 1:
            place = next(place for place, row in enumerate(rows) if row[0] == text)
            return say(after.point(f"The {ORDINALS[place]} line", text.box), ' now says "', after.spell(text), '".')
        case _:
            return say(after.point("The text", text.box), ' now says "', after.spell(text), '".')


def _tell_bar(after: View, old: Mark, new: Mark) -> tuple[Piece, ...]:
    assert isinstance(after.drawing.facts, Chart)
    terms = terms_of(after.drawing.facts)
    word = terms.more if new.value > old.value else terms.less
    return say(after.point("The bar ", new.box), after.spell(new.label), after.point(f" is now {word}", new.box), ".")


def _boxes(thing: Shape | Text | Mark | str) -> tuple[Box, ...]:
    """Where it is; of a colour: everywhere."""
    return () if isinstance(thing, str) else (thing.box,)
