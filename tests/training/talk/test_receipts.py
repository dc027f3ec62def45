import msgspec

from tests.training.talk.drawn import RECEIPT, SIGN, text, view
from tests.training.talk.saying import check_places, drawn, pointed, said
from training.talk.receipts import (
    RECEIPTS,
    ask_count,
    ask_description,
    ask_names,
    ask_price,
    ask_shop,
    ask_text,
    ask_total,
)

VIEW = view(RECEIPT)


def test_a_price_is_read_beside_its_item() -> None:
    assert said(ask_price(VIEW, name="Bread")) == "Bread costs 2.50."
    assert pointed(ask_price(VIEW, name="Bread")) == {text.text: text.glyphs for text in RECEIPT.rows[2]}


def test_an_item_that_is_there_twice_or_never_has_no_price() -> None:
    twice = msgspec.structs.replace(
        RECEIPT, rows=(RECEIPT.rows[1], (text("MILK", 50), text("9.99", 50, 90)), RECEIPT.rows[3])
    )

    assert ask_price(view(twice), name="Milk") is None
    assert ask_price(VIEW, name="Coffee") is None
    assert ask_price(VIEW, name="Total") is None


def test_the_whole_of_a_receipt_is_told() -> None:
    assert said(ask_total(VIEW)) == "The total is 3.70."
    assert said(ask_count(VIEW)) == "There are two items."
    assert said(ask_names(VIEW)) == "The items are Milk and Bread."
    assert said(ask_shop(VIEW)) == 'The shop is "Corner".'
    assert said(ask_description(VIEW)) == "A receipt with two items. The total is 3.70."
    assert said(ask_text(VIEW)) == "Corner, Milk 1.20, Bread 2.50, Total 3.70"


def test_without_a_heading_there_is_no_shop() -> None:
    assert ask_shop(view(msgspec.structs.replace(RECEIPT, rows=RECEIPT.rows[1:]))) is None


def test_a_price_of_two_items_has_no_item() -> None:
    same = (RECEIPT.rows[1], (text("Bread", 60), text("1.20", 60, 100)), RECEIPT.rows[3])
    questions = drawn(RECEIPTS.draw, view(msgspec.structs.replace(RECEIPT, rows=same)))

    assert not [question for question in questions if question.wording == "page.item"]


def test_all_that_is_said_can_be_seen_where_it_points() -> None:
    for question in drawn(RECEIPTS.draw, VIEW, count=100):
        check_places(question, (VIEW.drawing,))


def test_a_sign_has_no_total() -> None:
    assert ask_total(view(SIGN)) is None
