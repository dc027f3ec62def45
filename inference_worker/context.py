"""The context budget: which of a conversation's turns the model still sees. Pure arithmetic over token counts."""

from collections.abc import Sequence


def first_visible_turn(questions: Sequence[int], answers: Sequence[int], *, context: int, reserve: int) -> int:
    """The first turn that stays in view; the last of `questions` (tokens each) is the one being asked.

    When the next question and `reserve` tokens for its answer do not fit any more, the oldest turns go in one cut
    down to half of the context, so that the prefix stays the same for many turns. Going one by one would change it,
    and spoil the cache, at every turn. The cuts follow from the counts alone, so every turn finds the same ones.

    Turns of 100 + 100 tokens, room for 1,400, 100 of them reserved: the eighth question cuts, the ninth does not.

    >>> [first_visible_turn([100] * n, [100] * (n - 1), context=1400, reserve=100) for n in (7, 8, 9)]
    [0, 5, 5]
    """
    first = 0
    for asked in range(len(questions)):
        past = [question + answer for question, answer in zip(questions[:asked], answers[:asked], strict=True)]
        wanted = questions[asked] + reserve
        if sum(past[first:]) + wanted > context:
            while first < asked and sum(past[first:]) + wanted > context // 2:
                first += 1
    return first
