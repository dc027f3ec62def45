"""Names in a question that stand in the picture it is about: "Is Apples taller than Plums?"."""

import re
from collections.abc import Iterable, Iterator

from training.dialogue import Cite, Quote
from training.drawing import Text
from training.talk.question import View


def find_quotes(question: str, fills: Iterable[str], view: View) -> tuple[Quote, ...]:
    """Of what filled the question's wording; what stands twice in the picture or the question may be either."""
    return tuple(sorted(_find(question, set(fills), view), key=lambda quote: quote.start))


def _find(question: str, fills: set[str], view: View) -> Iterator[Quote]:
    for text in view.drawing.texts:
        alone = [other.text for other in view.drawing.texts].count(text.text) == 1
        if alone and text.text in fills and (span := _only_span(question, text)):
            yield Quote(start=span[0], stop=span[1], cite=Cite(picture=view.place, boxes=text.glyphs))


def _only_span(question: str, text: Text) -> tuple[int, int] | None:
    spans = [found.span() for found in re.finditer(rf"(?<!\w){re.escape(text.text)}(?!\w)", question)]
    return spans[0] if len(spans) == 1 else None
