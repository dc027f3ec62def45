import math
import random

import msgspec

from inference_worker.model.checkpoint import TINY
from tests.training.drawn import COVER, DIALOGUE, SCENE
from training.citations import cite_looks, cite_matches, cite_names, cite_pairs, cite_targets, cite_values
from training.dialogue import Dialogue, Exchange, Piece, Task
from training.drawing import Drawing
from training.sample import Named, Pair, Sample, SampleBuilder
from training.world import Split, draw_chart

BUILDER = SampleBuilder(TINY)
LENGTH = 4096  # rows of each dialogue in the batch


def ask_about(*pictures: Drawing) -> Sample:
    shows = tuple(range(len(pictures)))
    ask = Exchange(task=Task.COUNT, question="How many?", answer=(Piece("one"),), shows=shows)
    return BUILDER.build(Dialogue(pictures=pictures, exchanges=(ask,)))


def test_a_token_cites_positions_of_its_own_dialogue() -> None:
    samples = [ask_about(SCENE), BUILDER.build(DIALOGUE)]
    citations = cite_targets(samples, LENGTH)
    told = [
        (int(citations.rows[query]), key)
        for query, key in zip(citations.queries.tolist(), citations.keys.tolist(), strict=True)
    ]
    assert told == [(LENGTH + target.row, key) for target in samples[1].targets for key in target.cited]
    assert told


def test_a_name_is_pulled_to_its_letters_and_to_its_value_if_it_has_one() -> None:
    bare = ask_about(SCENE)
    number = Named(row=3, read=(1, 2), known=(2,), value=0.5)
    word = Named(row=7, read=(4,), known=(), value=math.nan)
    samples = [bare, msgspec.structs.replace(bare, names=(number, word))]
    read, known = cite_names(samples, LENGTH), cite_values(samples, LENGTH)
    assert read.rows.tolist() == [LENGTH + 3, LENGTH + 7]
    assert [read.queries.tolist(), read.keys.tolist()] == [[0, 0, 1], [1, 2, 4]]
    assert [known.rows.tolist(), known.keys.tolist()] == [[LENGTH + 3], [2]]
    assert not len(cite_names([bare], LENGTH).rows)


def test_an_answer_to_a_comparison_looks_at_both_names() -> None:
    bare = ask_about(SCENE)
    samples = [bare, msgspec.structs.replace(bare, pairs=(Pair(9, 3, 7, 0.25), Pair(20, 12, 15, -0.5)))]
    firsts, seconds = cite_pairs(samples, LENGTH)
    assert firsts.rows.tolist() == seconds.rows.tolist() == [LENGTH + 9, LENGTH + 20]
    assert [firsts.keys.tolist(), seconds.keys.tolist()] == [[3, 12], [7, 15]]


def test_a_later_picture_is_matched_place_by_place_with_the_one_before() -> None:
    unlike, alike = ask_about(COVER, SCENE), ask_about(SCENE, SCENE)
    seen = [(base, picture) for base, sample in ((0, unlike), (LENGTH, alike)) for picture in sample.pictures]
    matches = cite_matches(seen)
    before, after = alike.pictures
    rows = before.labels.rows.tolist()
    assert matches.rows.tolist() == [LENGTH + after.start + row for row in rows]
    assert matches.queries.tolist() == list(range(len(rows)))
    assert matches.keys.tolist() == [before.start + row for row in rows]


def test_a_label_looks_at_all_that_shows_its_mark() -> None:
    sample = ask_about(*(draw_chart(random.Random(0), Split.SEEN, what=what) for what in ("pie", "bar")))
    looks = cite_looks([(LENGTH, picture) for picture in sample.pictures])
    told = {
        (int(looks.rows[query]), key) for query, key in zip(looks.queries.tolist(), looks.keys.tolist(), strict=True)
    }
    assert told == {
        (LENGTH + picture.start + query, picture.start + key)
        for picture in sample.pictures
        for query, key in zip(picture.lookups.queries.tolist(), picture.lookups.keys.tolist(), strict=True)
    }
    assert 1 < len(set(looks.rows.tolist())) == len(looks.rows) < len(told)
