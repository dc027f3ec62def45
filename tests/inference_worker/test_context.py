from hypothesis import given
from hypothesis import strategies as st

from inference_worker.context import Length, View, choose_view

CONTEXT, RESERVE = 2000, 250
turns = st.lists(st.tuples(st.integers(1, 300), st.integers(1, 300)), min_size=1, max_size=40)


def view_of(drawn: list[tuple[int, int]]) -> View:
    """The last one is being asked; of the others all pictures are needed."""
    past = [Length(whole=question + answer, least=question + answer) for question, answer in drawn[:-1]]
    return choose_view([question for question, _ in drawn], past, context=CONTEXT, reserve=RESERVE)


@given(turns)
def test_what_stays_in_view_fits_beside_the_answer(drawn: list[tuple[int, int]]) -> None:
    past = sum(question + answer for question, answer in drawn[view_of(drawn).first : -1])
    assert past + drawn[-1][0] + RESERVE <= CONTEXT


@given(turns)
def test_the_view_only_moves_forward_and_keeps_what_it_can(drawn: list[tuple[int, int]]) -> None:
    firsts = [view_of(drawn[: count + 1]).first for count in range(len(drawn))]
    assert firsts == sorted(firsts)
    total = sum(question + answer for question, answer in drawn)
    assert firsts[-1] == 0 or total + RESERVE > CONTEXT


def test_a_long_conversation_is_cut_rarely() -> None:
    firsts = [view_of([(100, 100)] * count).first for count in range(1, 101)]
    assert len(set(firsts)) < 25, "each cut makes room for several turns"


def test_the_turn_just_before_stays_as_long_as_it_fits_and_then_its_least() -> None:
    def after(whole: int) -> View:
        return choose_view([whole, 100], [Length(whole=whole, least=900)], context=CONTEXT, reserve=RESERVE)

    assert after(CONTEXT - RESERVE - 100) == View()
    assert after(CONTEXT - RESERVE - 99) == View(is_tight=True)
    assert choose_view([9, 999], [Length(whole=1900, least=900)], context=CONTEXT, reserve=RESERVE) == View(first=1)


def test_what_was_made_to_fit_stays_so_until_it_goes() -> None:
    big, small = Length(whole=1900, least=900), Length(whole=200, least=200)
    views = [
        choose_view([1800, *[100] * count], [big, *[small] * (count - 1)], context=CONTEXT, reserve=RESERVE)
        for count in range(1, 6)
    ]
    assert views == [View(is_tight=True)] * 4 + [View(first=2)]
