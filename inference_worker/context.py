"""The context budget: which of a conversation's turns the model still sees. Pure arithmetic over token counts."""

from collections.abc import Sequence

import msgspec


class Length(msgspec.Struct, frozen=True, kw_only=True):
    """Of a turn that was answered, in tokens. `least`: with so few of its pictures that others have room beside it."""

    whole: int
    least: int


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What the model sees: the turns from `first` on. `is_tight`: of that one no more than its least."""

    first: int = 0
    is_tight: bool = False


def choose_view(questions: Sequence[int], past: Sequence[Length], *, context: int, reserve: int) -> View:
    """What stays in view of the `past`, beside the last of the `questions` (tokens each, as they were asked).

    When the next question and `reserve` tokens for its answer do not fit any more, the oldest turns go in one cut
    down to half of the context, so that the prefix stays the same for many turns. Going one by one would change it,
    and spoil the cache, at every turn. The turn just before is what a follow-up is about: it stays as long as it fits,
    or its least does. The cuts follow from the counts alone, so every turn finds the same ones.

    Turns of 200 tokens, room for 1,400, 200 of them for the question and its answer: the eighth cuts, the ninth does not.

    >>> turn = Length(whole=200, least=200)
    >>> [choose_view([100] * n, [turn] * (n - 1), context=1400, reserve=100).first for n in (7, 8, 9)]
    [0, 5, 5]
    >>> choose_view([1000, 100], [Length(whole=1350, least=600)], context=1400, reserve=100)
    View(first=0, is_tight=True)
    """
    view = View()
    for asked, question in enumerate(questions):
        view = _after(view, past[:asked], question + reserve, context)
    return view


def _after(view: View, past: Sequence[Length], wanted: int, context: int) -> View:
    """The view when so much is `wanted` beside the past."""
    if _tokens(view, past) + wanted <= context:
        return view
    first = view.first
    while first < len(past) - 1 and _tokens(View(first=first), past) + wanted > context // 2:
        first += 1
    for tight in (False, True):
        cut = View(first=first, is_tight=tight)
        if _tokens(cut, past) + wanted <= context:
            return cut
    return View(first=len(past))


def _tokens(view: View, past: Sequence[Length]) -> int:
    visible = past[view.first :]
    saved = visible[0].whole - visible[0].least if visible and view.is_tight else 0
    return sum(length.whole for length in visible) - saved
