import json
import random
import re
from collections import Counter
from pathlib import Path

import pytest

from training.talk.phrasings import HELD_OUT_SHARE, draw_phrase, load_wordings, type_it
from training.world.split import Split

ROOT = Path(__file__).parents[3]
KINDS = sorted(load_wordings())


def plain(template: str) -> str:
    """Without case and marks."""
    return " ".join(re.findall(r"[a-z_{}]+", template.lower()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_six_wordings_and_three_that_training_never_sees(kind: str) -> None:
    wordings = load_wordings()[kind]
    seen, held_out = ({plain(template) for template in templates} for templates in (wordings.seen, wordings.held_out))

    assert len(seen) >= 6
    assert len(held_out) >= 3
    assert not seen & held_out


def test_what_is_held_out_of_one_kind_is_heard_in_no_other() -> None:
    wordings = load_wordings().values()
    seen = {plain(template) for kind in wordings for template in kind.seen}
    held_out = {plain(template) for kind in wordings for template in kind.held_out}
    assert not seen & held_out


@pytest.mark.parametrize("kind", KINDS)
def test_no_wording_of_a_kind_leaves_out_what_others_tell(kind: str) -> None:
    """Of two squares one may ask by colour: a wording without the name would not say which is meant."""
    wordings = load_wordings()[kind]
    needed = [set(re.findall(r"{(\w+)}", template)) for template in (*wordings.seen, *wordings.held_out)]
    common = set.intersection(*needed)
    same = {
        "count",
        "what",
        "mark",
        "marks",
        "largest",
        "smallest",
        "highest",
        "lowest",
        "row",
        "row_number",
        "column",
        "column_number",
    }

    if kind not in FREE:
        assert all(names <= common | same for names in needed)


# Some wordings ask for something else of the same picture, and some say less because one shape is on a cover.
FREE = {"refusal.chart", "refusal.any", "cover.emblem_colour"}


def test_training_hears_seen_wordings_only() -> None:
    rng = random.Random(0)
    seen = set(load_wordings()["cover.title"].seen)

    phrases = [draw_phrase(rng, Split.SEEN, "cover.title") for _ in range(300)]

    assert {phrase.template for phrase in phrases} == seen
    assert not any(phrase.held_out for phrase in phrases)


def test_a_third_of_held_out_questions_has_wordings_that_training_never_sees() -> None:
    rng = random.Random(0)
    wordings = load_wordings()["cover.title"]

    phrases = [draw_phrase(rng, Split.HELD_OUT, "cover.title") for _ in range(900)]

    assert sum(phrase.held_out for phrase in phrases) / 900 == pytest.approx(HELD_OUT_SHARE, abs=0.05)
    assert all((phrase.template in wordings.held_out) == phrase.held_out for phrase in phrases)


def test_questions_are_typed_in_many_ways_but_names_stay_as_they_are() -> None:
    rng = random.Random(0)
    typed = Counter(type_it(rng, "What color is the {name}?", {"name": "ABC gray"}) for _ in range(2000))

    assert typed.most_common(1)[0][0] == "What color is the ABC gray?"
    assert {
        "what color is the ABC gray?",
        "What color is the ABC gray",
        "What colour is the ABC grey?",
        "What color is the ABC gray, please?",
        "Please, what color is the ABC gray?",
    } <= typed.keys()
    assert all("ABC" in question for question in typed)


def test_the_questions_of_the_examples_and_of_the_product_are_among_the_seen_ones() -> None:
    patterns = [
        re.compile(re.sub(r"\\{\w+\\}", ".+", re.escape(template)))
        for wordings in load_wordings().values()
        for template in wordings.seen
    ]
    asked = {
        re.sub(r"^In the (first|second) image, (\w)", lambda found: found[2].upper(), turn["question"])
        for line in (ROOT / "examples" / "dialogues.jsonl").read_text().splitlines()
        for turn in json.loads(line)["turns"]
    }
    presets = json.loads((ROOT / "inference_worker" / "model" / "tiny" / "threadsight.json").read_text())

    for question in asked | {presets[name] for name in ("look", "look_at_several", "ocr", "compare", "describe")}:
        assert any(pattern.fullmatch(question) for pattern in patterns), question
