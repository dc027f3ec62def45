import doctest
import random

from tests.training.talk.drawn import scene, shape, view
from training.dialogue import Piece
from training.talk import question
from training.talk.question import Deck, enumerate_pieces, say


def test_the_examples_in_the_docstrings_are_true() -> None:
    results = doctest.testmod(question)

    assert results.attempted >= 4
    assert results.failed == 0


def test_things_are_enumerated_as_people_do() -> None:
    def joined(*names: str) -> str:
        return "".join(piece.text for piece in say(enumerate_pieces([Piece(name) for name in names])))

    assert joined("a") == "a"
    assert joined("a", "b") == "a and b"
    assert joined("a", "b", "c") == "a, b and c"


def test_words_without_a_box_point_to_the_whole_picture() -> None:
    cite = view(scene(shape("red star", 50, 50)), place=2, size=(300, 100)).point("white").cite

    assert cite
    assert (cite.picture, cite.boxes) == (2, ((0, 0, 300, 100),))


def test_a_deck_of_what_cannot_be_asked_gives_nothing() -> None:
    deck = Deck({lambda _rng, _view: None: 1})

    assert deck.draw(random.Random(0), view(scene(shape("red star", 50, 50)))) is None
