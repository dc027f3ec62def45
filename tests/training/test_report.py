import base64
import re
from pathlib import Path

from PIL import Image

from training.records import DialogueRecord, TurnRecord
from training.report import write_report
from training.scores import Outcome

TURNS = (
    TurnRecord(question="What color is it?", answer="It is red.", task="colour", shows=(0,)),
    TurnRecord(question="Which is <b>?", answer="B & C", task="text", shows=(1,), random=True),
    TurnRecord(question="And this one?", answer="D", task="text"),
)
RECORD = DialogueRecord(pictures=("a.png", "b.png"), turns=TURNS)


def page(folder: Path, *answers: str) -> str:
    Image.new("RGB", (8, 8), "red").save(folder / "a.png")
    Image.new("RGB", (8, 8), "blue").save(folder / "b.png")
    outcomes = [Outcome(dialogue=RECORD, place=place, answer=answer) for place, answer in enumerate(answers)]
    write_report(outcomes, folder, folder / "report.html")
    return (folder / "report.html").read_text()


def test_the_task_with_the_most_mistakes_comes_first(tmp_path: Path) -> None:
    html = page(tmp_path, "It is blue.", "X", "Y")
    assert "<h1>3 of 3 wrong</h1>" in html
    assert re.findall(r'<section id="(\w+)">', html) == ["text", "colour"]


def test_right_answers_are_not_on_it(tmp_path: Path) -> None:
    html = page(tmp_path, "It is red.", "X", "D")
    assert re.findall(r'<section id="(\w+)">', html) == ["text"]
    assert html.count("<article>") == 1


def test_a_mistake_shows_the_question_both_answers_and_all_pictures_seen_by_then(tmp_path: Path) -> None:
    html = page(tmp_path, "It is red.", "X", "D")
    pictures = [base64.b64decode(found) for found in re.findall(r"data:image/png;base64,([^\"]+)", html)]
    assert pictures == [(tmp_path / "a.png").read_bytes(), (tmp_path / "b.png").read_bytes()]
    assert "<dd>B &amp; C</dd>" in html
    assert '<dd class="got">X</dd>' in html
    assert "What color is it?<br>It is red." in html, "what was asked before, and what it answered then"
    assert "letters at random" in html


def test_what_a_model_writes_is_text_not_markup(tmp_path: Path) -> None:
    html = page(tmp_path, "<script>alert(1)</script>", "B & C", "D")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_the_page_needs_no_other_file(tmp_path: Path) -> None:
    html = page(tmp_path, "It is blue.", "X", "Y")
    assert not re.findall(r'(?:src|href)="(?!data:|#)', html)
