import json
from pathlib import Path

import pytest

from inference_worker.model.checkpoint import TINY
from training.card import NotMeasured, count_parameters, write_card
from training.scores import BARS

BAR = BARS[0].name
CARD = TINY / "README.md"


def evaluated(path: Path, *, exact: float, bars: dict[str, float], faces: dict[str, float]) -> Path:
    def counted(shares: dict[str, float]) -> dict[str, object]:
        return {name: {"exact": share, "right": 1, "asked": 40} for name, share in shares.items()}

    line = {
        "model": "tiny",
        "exact": exact,
        "right": 1,
        "asked": 200,
        "unseen_phrasings": 0.5,
        "bars": counted(bars),
        "by": {"face": counted(faces), "contrast": {}},
    }
    path.write_text(f"a table\n{json.dumps(line)}\n")
    return path


def trained(path: Path) -> Path:
    lines = [
        {"step": 2, "dialogues": 12345, "minutes": 61.7, "seen": {"losses": {"words": 1.0}, "exact": 0.5}},
        {"step": 2, "held_out": {"losses": {"words": 1.0}, "exact": 0.415}},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_every_set_of_scores_has_a_column_and_what_was_not_asked_stays_empty(tmp_path: Path) -> None:
    first = evaluated(tmp_path / "1", exact=0.25, bars={BAR: 0.125}, faces={"Lato": 0.75})
    second = evaluated(tmp_path / "2", exact=0.5, bars={}, faces={"STIX": 1.0})
    write_card(
        tmp_path / "card.md",
        model=TINY,
        scores={"held out": first, "seen": second},
        curves=[trained(tmp_path / "curve")],
    )
    lines = (tmp_path / "card.md").read_text().splitlines()
    assert "| | wanted | held out | seen |" in lines
    assert f"| {BAR} | 97.0 | 12.5 (40) |  |" in lines
    assert "| **all** | | 25.0 (200) | 50.0 (200) |" in lines
    assert "| Lato | 75.0 (40) |  |" in lines
    assert "| STIX |  | 100.0 (40) |" in lines
    assert not any("contrast |" in line for line in lines), "nobody asked by contrast"


def test_every_table_is_whole(tmp_path: Path) -> None:
    """A line that breaks off, or an empty one in the middle, is no table any more."""
    told = evaluated(tmp_path / "1", exact=0.25, bars={BAR: 0.125}, faces={"Lato": 0.75})
    write_card(tmp_path / "card.md", model=TINY, scores={"a": told, "b": told}, curves=[trained(tmp_path / "curve")])
    blocks = [block.splitlines() for block in (tmp_path / "card.md").read_text().split("\n\n")]
    tables = [block for block in blocks if any("|---" in line for line in block)]
    assert len(tables) == 4, "sizes, sittings, bars, faces"
    for table in tables:
        assert table[1].startswith("|---")
        assert len({line.count("|") for line in table}) == 1, table


def test_a_sitting_is_told_by_its_end(tmp_path: Path) -> None:
    told = evaluated(tmp_path / "1", exact=0.25, bars={}, faces={})
    write_card(tmp_path / "card.md", model=TINY, scores={"a": told}, curves=[trained(tmp_path / "curve")])
    assert "| 1 | 12,345 | 62 | 41.5 |" in (tmp_path / "card.md").read_text()


def test_what_became_of_the_sittings_stands_before_their_table_if_it_is_told(tmp_path: Path) -> None:
    told = evaluated(tmp_path / "1", exact=0.25, bars={}, faces={})
    cards = []
    for history in ("", "The first one began with nothing.\n"):
        write_card(
            tmp_path / "card.md", model=TINY, scores={"a": told}, curves=[trained(tmp_path / "curve")], history=history
        )
        cards.append((tmp_path / "card.md").read_text())
    without, told_too = cards
    assert told_too.replace("The first one began with nothing.\n\n", "") == without
    assert "\n\nThe first one began with nothing.\n\n| sitting |" in told_too


def test_what_was_never_measured_makes_no_card(tmp_path: Path) -> None:
    told = evaluated(tmp_path / "1", exact=0.25, bars={}, faces={})
    (tmp_path / "other").write_text('{"exact": 1}\n')
    (tmp_path / "empty").write_text("")
    for wrong in ("nowhere", "empty", "other"):
        with pytest.raises(NotMeasured, match=wrong):
            write_card(tmp_path / "card.md", model=TINY, scores={"a": tmp_path / wrong}, curves=[])
    for wrong in ("nowhere", "empty"):
        with pytest.raises(NotMeasured, match=wrong):
            write_card(tmp_path / "card.md", model=TINY, scores={"a": told}, curves=[tmp_path / wrong])
    assert not (tmp_path / "card.md").exists()


def test_the_shipped_card_is_about_the_shipped_weights() -> None:
    card = CARD.read_text()
    assert f"{count_parameters(TINY) / 1e6:.2f} million parameters" in card
    assert f"{(TINY / 'model.safetensors').stat().st_size / 1e6:.1f} MB" in card
    assert "knows nothing of photographs" in card
