from hypothesis import given
from hypothesis import strategies as st

from inference_worker.context import first_visible_turn

turns = st.lists(st.tuples(st.integers(1, 300), st.integers(1, 300)), min_size=1, max_size=40)


def first_of(drawn: list[tuple[int, int]]) -> int:
    questions = [question for question, _ in drawn]
    answers = [answer for _, answer in drawn[:-1]]
    return first_visible_turn(questions, answers, context=2000, reserve=250)


@given(turns)
def test_what_stays_in_view_fits_beside_the_answer(drawn: list[tuple[int, int]]) -> None:
    first = first_of(drawn)
    past = sum(question + answer for question, answer in drawn[first:-1])
    assert past + drawn[-1][0] + 250 <= 2000


@given(turns)
def test_the_view_only_moves_forward_and_keeps_what_it_can(drawn: list[tuple[int, int]]) -> None:
    firsts = [first_of(drawn[: count + 1]) for count in range(len(drawn))]
    assert firsts == sorted(firsts)
    total = sum(question + answer for question, answer in drawn)
    assert firsts[-1] == 0 or total + 250 > 2000


def test_a_long_conversation_is_cut_rarely() -> None:
    firsts = [first_of([(100, 100)] * count) for count in range(1, 101)]
    assert len(set(firsts)) < 25, "each cut makes room for several turns"
