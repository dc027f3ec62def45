"""Scores as a table for people, and as one line for programs."""

import msgspec
from rich.table import Table

from training.scores import BARS, UNSEEN_PHRASINGS, Scores, Tally


def build_table(scores: Scores, title: str) -> Table:
    """The bars first, then every aspect with its groups."""
    table = Table(title=title, title_justify="left", box=None, header_style="dim")
    table.add_column("")
    for name in ("exact", "of", "wanted"):
        table.add_column(name, justify="right")
    table.add_row("all", *_cells(scores.all), style="bold")
    table.add_section()
    for bar in BARS:
        if bar.name in scores.bars:
            table.add_row(bar.name, *_cells(scores.bars[bar.name]), f"{bar.exact:.0%}")
    if scores.unseen_phrasings is not None:
        table.add_row("unseen phrasings, of seen ones", f"{scores.unseen_phrasings:.1%}", "", f"{UNSEEN_PHRASINGS:.0%}")
    for aspect, groups in scores.by.items():
        if groups:
            table.add_row("")
            table.add_row(f"by {aspect}", style="bold")
            for group, counted in groups.items():
                table.add_row(f"  {group}", *_cells(counted))
    return table


def to_json(scores: Scores, **about: object) -> str:
    """One line; `about` comes first. Every tally is `{"exact", "right", "asked"}`."""
    told = {
        **about,
        "dialogues": scores.dialogues,
        **_tell(scores.all),
        "bars": {name: _tell(counted) for name, counted in scores.bars.items()},
        "unseen_phrasings": None if scores.unseen_phrasings is None else round(scores.unseen_phrasings, 4),
        "by": {
            aspect: {group: _tell(counted) for group, counted in groups.items()} for aspect, groups in scores.by.items()
        },
    }
    return msgspec.json.encode(told).decode()


def _cells(counted: Tally) -> tuple[str, str]:
    return f"{counted.exact:.1%}", str(counted.asked)


def _tell(counted: Tally) -> dict[str, float]:
    return {"exact": round(counted.exact, 4), "right": counted.right, "asked": counted.asked}
