import pytest

from inference_worker.engine.pace import IDLE_STEP_S, LEAST_IDLE_TOKENS, LEAST_TOKENS, STEP_S, PrefillPace


def test_nobody_decodes_so_a_step_takes_longer_but_not_for_ever() -> None:
    pace = PrefillPace(most=512)
    pace.record(512, seconds=IDLE_STEP_S)
    assert pace.tokens(beside_decode=False) == 512
    pace.record(512, seconds=4 * IDLE_STEP_S)
    assert pace.tokens(beside_decode=False) == 128


def test_beside_decode_a_step_takes_what_the_machine_computes_in_time() -> None:
    pace = PrefillPace(most=512)
    pace.record(512, seconds=2 * STEP_S)
    assert pace.tokens(beside_decode=True) == 256


def test_steps_come_to_last_as_long_as_they_may_whatever_else_is_in_them() -> None:
    pace = PrefillPace(most=512)
    for _ in range(50):
        tokens = pace.tokens(beside_decode=True)
        pace.record(tokens, seconds=STEP_S / 2 + 0.001 * tokens)  # half of it is somebody's next word
    assert pace.tokens(beside_decode=True) == pytest.approx(STEP_S / 2 / 0.001, rel=0.1)


def test_a_machine_that_is_not_known_yet_begins_with_little() -> None:
    pace = PrefillPace(most=512)
    assert pace.tokens(beside_decode=False) == LEAST_IDLE_TOKENS
    assert pace.tokens(beside_decode=True) == LEAST_TOKENS
    pace.record(LEAST_IDLE_TOKENS, seconds=STEP_S / 4)
    assert pace.tokens(beside_decode=True) == 4 * LEAST_IDLE_TOKENS


def test_a_fast_machine_is_not_held_back_and_a_slow_one_goes_on() -> None:
    fast, slow = PrefillPace(most=512), PrefillPace(most=512)
    fast.record(512, seconds=0.01)
    slow.record(512, seconds=60.0)
    assert fast.tokens(beside_decode=True) == 512
    assert slow.tokens(beside_decode=True) == LEAST_TOKENS
    assert slow.tokens(beside_decode=False) == LEAST_IDLE_TOKENS


def test_the_end_of_a_prompt_makes_no_step_smaller() -> None:
    pace = PrefillPace(most=512)
    pace.record(512, seconds=2 * STEP_S)
    pace.record(3, seconds=STEP_S / 2)
    assert pace.tokens(beside_decode=True) == 256


def test_one_slow_step_does_not_set_the_pace_for_ever() -> None:
    pace = PrefillPace(most=512)
    pace.record(512, seconds=100 * STEP_S)
    for _ in range(20):
        tokens = pace.tokens(beside_decode=True)
        pace.record(tokens, seconds=0.001 * tokens)
    assert pace.tokens(beside_decode=True) > 0.9 * STEP_S / 0.001
