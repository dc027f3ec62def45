import pytest

from training.drawing import Box, Chart, Text

LABEL = Text(text="a", glyphs=((2, 90, 8, 98),), face="f", size_px=20, contrast=9.0)
MARK = (10, 20, 30, 80)


@pytest.mark.parametrize(
    ("what", "lying", "end"),
    [
        ("bar", False, (10, 20, 30, 21)),
        ("bar", True, (29, 20, 30, 80)),
        ("line", False, MARK),
        ("pie", False, LABEL.box),
    ],
)
def test_how_large_a_mark_is_is_seen_at_its_end(*, what: str, lying: bool, end: Box) -> None:
    chart = Chart(what=what, labels=(LABEL,), values=(0.5,), marks=(MARK,), lying=lying)
    assert chart.ends == (end,)
