import pytest

from training.schedule import Schedule


def test_a_sitting_by_the_clock_falls_to_zero_exactly_at_its_end() -> None:
    plan = Schedule(minutes=90, decay=0.5)
    assert plan.rate(plan.progress(step=5, seconds=45 * 60)) == 1.0
    assert plan.rate(plan.progress(step=5, seconds=67.5 * 60)) == pytest.approx(0.5)
    assert plan.rate(plan.progress(step=5, seconds=90 * 60)) == 0.0
    assert plan.progress(step=5, seconds=91 * 60) == 1.0


def test_a_sitting_by_steps_does_not_look_at_the_clock() -> None:
    plan = Schedule(steps=200)
    assert plan.progress(step=50, seconds=1e9) == 0.25
    assert plan.progress(step=200, seconds=0) == 1.0


def test_rates_rise_first() -> None:
    plan = Schedule(steps=100, warm_up=0.1)
    assert [plan.rate(progress) for progress in (0.0, 0.05, 0.1)] == [0.0, 0.5, 1.0]


def test_the_hint_fades_before_the_end() -> None:
    plan = Schedule(steps=100, hint_until=0.5)
    assert [plan.hint(progress) for progress in (0.0, 0.25, 0.5, 1.0)] == [1.0, 0.5, 0.0, 0.0]


def test_a_sitting_needs_one_end() -> None:
    with pytest.raises(ValueError, match="ends after"):
        Schedule()
    with pytest.raises(ValueError, match="ends after"):
        Schedule(steps=1, minutes=1)
