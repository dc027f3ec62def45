import msgspec

from tests.training.talk.drawn import BAR_CHART, COVER, EMBLEM, view
from tests.training.talk.saying import check_places, drawn, pointed, said
from training.talk.covers import (
    COVERS,
    ask_author,
    ask_both,
    ask_colour,
    ask_description,
    ask_emblem,
    ask_emblem_colour,
    ask_text,
    ask_title,
)

VIEW = view(COVER)
WITH_EMBLEM = view(msgspec.structs.replace(COVER, emblem=EMBLEM))


def test_a_cover_is_answered_about_in_the_words_of_the_examples() -> None:
    assert said(ask_both(VIEW)) == 'The title of the book is "Night River" and the author is Clara Stone.'
    assert said(ask_title(VIEW)) == 'The title of the book is "Night River".'
    assert said(ask_author(VIEW)) == "The author is Clara Stone."
    assert said(ask_colour(VIEW)) == "The cover is purple."
    assert said(ask_description(VIEW)) == 'A book cover. The title is "Night River" and the author is Clara Stone.'


def test_all_text_is_read_from_the_top() -> None:
    upside_down = msgspec.structs.replace(COVER, title=COVER.author, author=COVER.title)

    assert said(ask_text(VIEW)) == "Night River, Clara Stone"
    assert said(ask_text(view(upside_down))) == "Night River, Clara Stone"


def test_the_emblem_is_told_or_that_there_is_none() -> None:
    assert said(ask_emblem(VIEW)) == "There is no shape on the cover."
    assert said(ask_emblem(WITH_EMBLEM)) == "There is an orange star on the cover."
    assert pointed(ask_emblem(WITH_EMBLEM)) == {"an orange star": (EMBLEM.box,)}
    assert ask_emblem_colour(VIEW) is None
    assert said(ask_emblem_colour(WITH_EMBLEM)) == "The star is orange."


def test_letters_are_pointed_to_one_by_one() -> None:
    assert pointed(ask_author(VIEW)) == {"Clara Stone": COVER.author.glyphs}
    for question in drawn(COVERS.draw, WITH_EMBLEM, count=60):
        check_places(question, (WITH_EMBLEM.drawing,))


def test_only_a_cover_has_an_author() -> None:
    assert ask_author(view(BAR_CHART)) is None
