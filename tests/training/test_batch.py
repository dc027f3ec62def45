import random

import msgspec
import pytest
import torch
from PIL import ImageDraw

from inference_worker.model.checkpoint import TINY
from tests.training.drawn import DIALOGUE, SCENE
from training.batch import build_batch, group_by_length
from training.dialogue import Dialogue, Exchange, Piece, Task
from training.drawing import Scene
from training.sample import Sample, SampleBuilder
from training.world import Split, draw_chart
from training.world.colours import COLOURS
from training.world.forms import FORMS

BUILDER = SampleBuilder(TINY)


def ask_one(words: int = 1) -> Exchange:
    return Exchange(task=Task.COUNT, question="how " * words, answer=(Piece("one"),), shows=(0,))


def short(words: int) -> Sample:
    return BUILDER.build(Dialogue(pictures=(SCENE,), exchanges=(ask_one(words),)))


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [short(3), BUILDER.build(DIALOGUE)]


def test_rows_point_at_the_same_things_as_in_the_samples(samples: list[Sample]) -> None:
    batch = build_batch(samples, random.Random(0))
    starts = [0, batch.length]
    expected = [(start + t.row, t.token) for start, sample in zip(starts, samples, strict=True) for t in sample.targets]
    assert list(zip(batch.target_rows.tolist(), batch.target_ids.tolist(), strict=True)) == expected
    assert batch.tasks == ("count", "title", "colour", "colour")
    assert batch.target_exchanges.tolist() == [0] * len(samples[0].targets) + [
        1 + t.exchange for t in samples[1].targets
    ]
    rows = [
        start + p.start + row
        for start, s in zip(starts, samples, strict=True)
        for p in s.pictures
        for row in range(p.tiling.tokens)
    ]
    assert batch.picture_rows.tolist() == rows
    assert batch.tokens == sum(len(sample.ids) for sample in samples)
    assert not batch.ids[0, len(samples[0].ids) :].any()


def test_every_token_with_something_in_it_is_looked_at_and_a_quarter_of_the_others(samples: list[Sample]) -> None:
    many = [samples[1]] * 20
    sights = build_batch(many, random.Random(0)).sights
    speaking = (sights.characters != 0).any(2).any(1) | (sights.forms != 0).any(1)
    wanted = 20 * sum(int(picture.labels.speaking.sum()) for picture in samples[1].pictures)
    silent = 20 * sum(len(picture.labels.rows) for picture in samples[1].pictures) - wanted
    assert int(speaking.sum()) == wanted
    assert 0.2 < int((~speaking).sum()) / silent < 0.3


def test_labels_lie_at_the_features_they_speak_of(samples: list[Sample]) -> None:
    batch = build_batch(samples, random.Random(0))
    labels = {}
    start = 0
    for sample in samples:
        for picture in sample.pictures:
            for row, forms in zip(picture.labels.rows.tolist(), picture.labels.forms.tolist(), strict=True):
                labels[start + row] = forms
            start += picture.tiling.tokens
    for feature, forms in zip(batch.sights.features.tolist(), batch.sights.forms.tolist(), strict=True):
        assert labels[feature] == forms


def test_later_pictures_are_compared_at_their_own_rows(samples: list[Sample]) -> None:
    batch = build_batch(samples, random.Random(0))
    later = samples[1].pictures[1]
    assert batch.comparisons.rows.tolist() == [batch.length + later.start + row for row in later.labels.rows.tolist()]
    assert batch.comparisons.changed.unique().tolist() == [-1]  # the two are of different form


def test_where_something_changed_a_later_token_tells_what_was_there() -> None:
    drawn = SCENE.image.copy()
    ImageDraw.Draw(drawn).rectangle((10, 10, 40, 40), fill="red")
    before = msgspec.structs.replace(SCENE, image=drawn)
    after = msgspec.structs.replace(SCENE, facts=Scene(shapes=(), background="white"))
    ask = Exchange(task=Task.DIFFERENCE, question="What?", answer=(Piece("Gone"),), shows=(0, 1))
    told = build_batch([BUILDER.build(Dialogue(pictures=(before, after), exchanges=(ask,)))], random.Random(0))
    changed = told.comparisons.changed == 1
    assert 0 < int(changed.sum()) < len(changed)
    assert (told.comparisons.earlier_forms[~changed] == -1).all()
    assert FORMS.index("square") + 1 in told.comparisons.earlier_forms[changed]
    assert COLOURS.index("red") + 1 in told.comparisons.earlier_colours[changed]


def test_every_token_of_the_parts_has_a_line_and_a_column() -> None:
    ask = Exchange(task=Task.COUNT, question="How many?", answer=(Piece("one"),), shows=(0,))
    sample = BUILDER.build(Dialogue(pictures=(SCENE,), exchanges=(ask,)))
    (picture,) = sample.pictures
    places = build_batch([sample], random.Random(0)).places
    height, width = (4 * count for count in (picture.tiling.rows, picture.tiling.columns))
    assert places.rows.tolist() == [picture.start + row for row in picture.labels.rows.tolist()]
    assert places.lines.tolist() == [line for line in range(height) for _ in range(width)]
    assert places.columns.tolist() == list(range(width)) * height


def test_what_is_measured_lies_at_rows_of_its_own_dialogue(samples: list[Sample]) -> None:
    batch = build_batch(samples, random.Random(0))
    starts = [0, batch.length]
    rows = [
        start + picture.start + row
        for start, sample in zip(starts, samples, strict=True)
        for picture in sample.pictures
        for row in picture.measures.rows.tolist()
    ]
    assert batch.measures.rows.tolist() == rows
    assert len(rows) == len(batch.measures.truths) > 0


def test_what_is_looked_up_lies_at_rows_of_its_own_picture() -> None:
    drawings = tuple(draw_chart(random.Random(0), Split.SEEN, what=what) for what in ("pie", "bar"))
    ask = Exchange(task=Task.COUNT, question="How many?", answer=(Piece("one"),), shows=(0, 1))
    sample = BUILDER.build(Dialogue(pictures=drawings, exchanges=(ask,)))
    pie, bars = sample.pictures
    batch = build_batch([short(3), sample], random.Random(0))
    rows = [batch.length + picture.start + row for picture in (pie, bars) for row in picture.lookups.rows.tolist()]
    assert batch.lookups.rows.tolist() == rows
    assert len(batch.lookups.values) == len(batch.lookups.lines) == len(batch.lookups.columns) == len(rows)
    first = BUILDER.build(Dialogue(pictures=(SCENE,), exchanges=(ask_one(),))).pictures[0].tiling.tokens
    assert batch.shares.features.tolist() == (first + pie.shares.rows).tolist()
    assert len(batch.shares.truths) == len(pie.shares.rows) > 0


def test_samples_of_like_length_come_together_and_none_is_lost() -> None:
    drawn = [short(words) for words in (1, 90, 2, 80, 3, 100, 4, 85)]
    groups = group_by_length(drawn, rows=710, rng=random.Random(0))
    assert sorted(len(s.ids) for group in groups for s in group) == sorted(len(s.ids) for s in drawn)
    for group in groups:
        lengths = [len(sample.ids) for sample in group]
        assert max(lengths) - min(lengths) < 40
        assert len(group) == 1 or len(group) * max(lengths) <= 710


def test_the_same_chance_builds_the_same_batch(samples: list[Sample]) -> None:
    first, again = (build_batch(samples, random.Random(5)) for _ in range(2))
    assert torch.equal(first.sights.features, again.sights.features)


def test_a_batch_goes_to_a_device_with_all_that_is_in_it(samples: list[Sample]) -> None:
    batch = build_batch(samples, random.Random(0))
    moved = batch.to(torch.device("meta"))
    for before, after in (
        (batch, moved),
        (batch.citations, moved.citations),
        (batch.sights, moved.sights),
        (batch.comparisons, moved.comparisons),
        (batch.measures, moved.measures),
        (batch.places, moved.places),
        (batch.matches, moved.matches),
    ):
        for name in before.__struct_fields__:
            if isinstance(getattr(before, name), torch.Tensor):
                assert getattr(after, name).is_meta, name
    assert moved.tasks == batch.tasks
