"""Questions about book covers: title, author, colour, emblem."""

from training.dialogue import Task
from training.drawing import Cover
from training.talk.question import Deck, Question, View, add_article, always, enumerate_pieces, say


def ask_both(view: View) -> Question | None:
    """Title and author."""
    if not isinstance(cover := view.drawing.facts, Cover):
        return None
    return Question(
        task=Task.TITLE,
        wording="cover.both",
        answer=say(
            'The title of the book is "', view.spell(cover.title), '" and the author is ', view.spell(cover.author), "."
        ),
        tells=frozenset({"title", "author"}),
        thread="book",
        elsewhere=ask_both,
    )


def ask_title(view: View) -> Question | None:
    """The title."""
    if not isinstance(cover := view.drawing.facts, Cover):
        return None
    return Question(
        task=Task.TITLE,
        wording="cover.title",
        answer=say('The title of the book is "', view.spell(cover.title), '".'),
        tells=frozenset({"title"}),
        thread="book",
        short_wording="short.title",
        elsewhere=ask_title,
    )


def ask_author(view: View) -> Question | None:
    """The author."""
    if not isinstance(cover := view.drawing.facts, Cover):
        return None
    return Question(
        task=Task.AUTHOR,
        wording="cover.author",
        answer=say("The author is ", view.spell(cover.author), "."),
        tells=frozenset({"author"}),
        thread="book",
        short_wording="short.author",
        elsewhere=ask_author,
    )


def ask_colour(view: View) -> Question | None:
    """The cover's colour."""
    if not isinstance(cover := view.drawing.facts, Cover):
        return None
    return Question(
        task=Task.COLOUR,
        wording="cover.colour",
        answer=say("The cover is ", view.point(cover.colour), "."),
        tells=frozenset({"colour"}),
        thread="book",
        short_wording="short.colour",
        elsewhere=ask_colour,
    )


def ask_emblem(view: View) -> Question | None:
    """The shape on the cover, or that there is none."""
    if not isinstance(cover := view.drawing.facts, Cover):
        return None
    answer = say("There is no shape on the cover.")
    if emblem := cover.emblem:
        answer = say("There is ", view.point(add_article(emblem.name), emblem.box), " on the cover.")
    return Question(
        task=Task.SHAPE,
        wording="cover.emblem",
        answer=answer,
        tells=frozenset({"emblem"}),
        elsewhere=ask_emblem,
    )


def ask_emblem_colour(view: View) -> Question | None:
    """The colour of the shape on the cover."""
    if not isinstance(cover := view.drawing.facts, Cover) or not (emblem := cover.emblem):
        return None
    return Question(
        task=Task.COLOUR,
        wording="cover.emblem_colour",
        fills={"name": emblem.form},
        answer=say("The ", view.point(emblem.form, emblem.box), " is ", view.point(emblem.colour, emblem.box), "."),
        tells=frozenset({"emblem"}),
    )


def ask_description(view: View) -> Question | None:
    """What the picture shows."""
    if not isinstance(cover := view.drawing.facts, Cover):
        return None
    return Question(
        task=Task.DESCRIBE,
        wording="cover.describe",
        answer=say(
            view.point("A book cover"),
            '. The title is "',
            view.spell(cover.title),
            '" and the author is ',
            view.spell(cover.author),
            ".",
        ),
        tells=frozenset({"title", "author", "sort"}),
    )


def ask_text(view: View) -> Question | None:
    """All words, from the top."""
    if not isinstance(cover := view.drawing.facts, Cover):
        return None
    texts = sorted((cover.title, cover.author), key=lambda text: text.box[1])
    return Question(
        task=Task.TEXT,
        wording="cover.text",
        answer=say(enumerate_pieces([view.spell(text) for text in texts], last=", ")),
        tells=frozenset({"title", "author"}),
    )


COVERS = Deck(
    {
        always(ask_both): 4,
        always(ask_title): 5,
        always(ask_author): 5,
        always(ask_colour): 3,
        always(ask_emblem): 1.5,
        always(ask_emblem_colour): 1.5,
        always(ask_description): 1.5,
        always(ask_text): 0.7,
    }
)
