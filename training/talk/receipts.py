"""Questions about receipts: what was bought, what it costs, the total."""

import functools
import random

from training.dialogue import Piece, Task
from training.drawing import Page, Text
from training.talk.question import Deck, Question, View, always, count_words, enumerate_pieces, say, there_are

Item = tuple[Text, Text]  # its name and price


def items_of(view: View) -> list[Item]:
    """Without the total."""
    return _priced(view)[:-1]


def ask_price(view: View, *, name: str) -> Question | None:
    """What an item costs, if one and only one is called that."""
    found = [item for item in items_of(view) if item[0].text.lower() == name.lower()]
    if len(found) != 1:
        return None
    ((item, price),) = found
    return Question(
        task=Task.TEXT,
        wording="page.price",
        fills={"name": name},
        answer=say(view.spell(item), " costs ", view.spell(price), "."),
        tells=frozenset({f"price of {name}"}),
        thread="price",
        short_wording="short.name",
        elsewhere=functools.partial(ask_price, name=name),
    )


def ask_total(view: View) -> Question | None:
    """The sum at the bottom."""
    if not (rows := _priced(view)):
        return None
    return Question(
        task=Task.TEXT,
        wording="page.total",
        answer=say("The total is ", view.spell(rows[-1][1]), "."),
        tells=frozenset({"total"}),
        thread="price",
        short_wording="short.total",
        elsewhere=ask_total,
    )


def ask_count(view: View) -> Question | None:
    """How many items there are."""
    if not (items := items_of(view)):
        return None
    before, number, after = there_are(len(items), "item")
    return Question(
        task=Task.COUNT,
        wording="page.items",
        answer=say(before, view.point(number, *(name.box for name, _ in items)), after),
        tells=frozenset({"how many"}),
        elsewhere=ask_count,
    )


def ask_names(view: View) -> Question | None:
    """All items."""
    if not (items := items_of(view)):
        return None
    verb = "item is" if len(items) == 1 else "items are"
    return Question(
        task=Task.TEXT,
        wording="page.names",
        answer=say(f"The {verb} ", enumerate_pieces([view.spell(name) for name, _ in items]), "."),
        tells=frozenset({"items", "how many"}),
        elsewhere=ask_names,
    )


def ask_shop(view: View) -> Question | None:
    """What stands above the items."""
    page = view.drawing.facts
    if not isinstance(page, Page) or page.what != "receipt" or len(page.rows[0]) > 1:
        return None
    return Question(
        task=Task.TEXT,
        wording="page.shop",
        answer=say('The shop is "', view.spell(page.rows[0][0]), '".'),
        tells=frozenset({"shop"}),
        elsewhere=ask_shop,
    )


def ask_description(view: View) -> Question | None:
    """What the picture shows."""
    if not (rows := _priced(view)):
        return None
    items = count_words(len(rows) - 1, "item")
    return Question(
        task=Task.DESCRIBE,
        wording="page.describe",
        fills={"what": "receipt"},
        answer=say(view.point("A receipt"), f" with {items}. The total is ", view.spell(rows[-1][1]), "."),
        tells=frozenset({"how many", "total", "sort"}),
    )


def ask_text(view: View) -> Question | None:
    """All of it: rows in their order, prices after names."""
    page = view.drawing.facts
    if not isinstance(page, Page) or page.what != "receipt":
        return None
    rows = [enumerate_pieces([view.spell(text) for text in row], " ", last=" ") for row in page.rows]
    lines = [piece for row in rows for piece in (Piece(", "), *row)]
    return Question(
        task=Task.TEXT,
        wording="page.text",
        fills={"what": "receipt"},
        answer=say(lines[1:]),
        tells=frozenset({"total", "items", "shop", *(f"price of {name.text}" for name, _ in items_of(view))}),
    )


def _draw_price(rng: random.Random, view: View) -> Question | None:
    items = items_of(view)
    return ask_price(view, name=rng.choice(items)[0].text) if items else None


def _draw_item(rng: random.Random, view: View) -> Question | None:
    """The item of a price, if it is the only one."""
    if not (items := items_of(view)):
        return None
    name, price = rng.choice(items)
    if sum(text.text == price.text for _, text in items) > 1:
        return None
    return Question(
        task=Task.TEXT,
        wording="page.item",
        fills={"price": price.text},
        answer=say(view.spell(name), " costs ", view.spell(price), "."),
        tells=frozenset({f"price of {name.text}"}),
    )


def _priced(view: View) -> list[Item]:
    page = view.drawing.facts
    if not isinstance(page, Page) or page.what != "receipt":
        return []
    return [(row[0], row[1]) for row in page.rows if len(row) > 1]


RECEIPTS = Deck(
    {
        _draw_price: 5,
        _draw_item: 2,
        always(ask_total): 2.5,
        always(ask_count): 1.5,
        always(ask_names): 1.5,
        always(ask_shop): 2,
        always(ask_description): 1,
        always(ask_text): 0.7,
    }
)
