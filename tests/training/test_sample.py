import random

import msgspec
import pytest
import torch
from PIL import Image

from inference_worker.image.processor import ImageProcessor
from inference_worker.model.checkpoint import TINY
from inference_worker.model.config import read_config
from inference_worker.model.tokenizer import Tokenizer
from tests.golden.prompt import chat_text, prompt_ids
from tests.training.drawn import AUTHOR, DIALOGUE, SCENE, TITLE
from training.dialogue import Cite, Dialogue, Exchange, Piece, Quote, Task
from training.drawing import Box, Chart, Drawing
from training.placement import Placement
from training.sample import Sample, SampleBuilder
from training.world import Split, draw_chart

TOKENIZER = Tokenizer(TINY)
PROCESSOR = ImageProcessor(read_config(TINY).image)
MOST_CROPS = read_config(TINY).image.num_crops


@pytest.fixture(scope="module")
def sample() -> Sample:
    return SampleBuilder(TINY).build(DIALOGUE)


def said(sample: Sample, exchange: int) -> list[str]:
    return [TOKENIZER.piece(target.token) for target in sample.targets if target.exchange == exchange]


def place(sample: Sample, picture: int, drawing: Drawing) -> Placement:
    width, height = drawing.image.size
    return Placement(sample.pictures[picture].tiling, width=width, height=height)


def rows_of(sample: Sample, box: Box, picture: int) -> tuple[int, ...]:
    placement = place(sample, picture, DIALOGUE.pictures[picture])
    return tuple(sample.pictures[picture].start + row for row in placement.rows((box,)))


def rows_of_both(sample: Sample, box: Box, picture: int) -> tuple[int, ...]:
    """In the parts and in the whole."""
    placement = place(sample, picture, DIALOGUE.pictures[picture])
    start = sample.pictures[picture].start
    return rows_of(sample, box, picture) + tuple(start + row for row in placement.rows_of_whole((box,)))


def test_the_ids_are_those_of_the_reference_with_all_answers_said(sample: Sample) -> None:
    messages, number = [], 0
    for exchange in DIALOGUE.exchanges:
        tags = ""
        for _ in exchange.shows:
            number += 1
            tags += f"<|image_{number}|>\n"
        messages.append({"role": "user", "content": tags + exchange.question})
        messages.append({"role": "assistant", "content": exchange.text})
    text = chat_text(messages, add_generation_prompt=False)
    tokens = [PROCESSOR.tile(*drawing.image.size, max_crops=MOST_CROPS).tokens for drawing in DIALOGUE.pictures]
    whole = prompt_ids(TOKENIZER, text, tokens)
    last = len(whole) - 1 - whole[::-1].index(TOKENIZER.end_id)
    assert list(sample.ids) == [max(token, 0) for token in whole[:last]]


def test_the_targets_are_the_answers_each_with_its_end_and_nothing_else(sample: Sample) -> None:
    for place, exchange in enumerate(DIALOGUE.exchanges):
        *words, end = [target.token for target in sample.targets if target.exchange == place]
        assert TOKENIZER.decode(words) == exchange.text
        assert end == TOKENIZER.end_id
    assert {target.exchange for target in sample.targets} == {0, 1, 2}


def test_a_target_follows_its_row(sample: Sample) -> None:
    for target in sample.targets[:-1]:
        assert sample.ids[target.row + 1] == target.token
    assert sample.targets[-1].row == len(sample.ids) - 1


def test_each_letter_that_is_read_cites_the_token_it_stands_on_and_blanks_and_quotes_cite_nothing(
    sample: Sample,
) -> None:
    answer = [target for target in sample.targets if target.exchange == 0]
    cited = [(TOKENIZER.piece(target.token), target.cited) for target in answer if target.cited]
    read = [(letter, box) for text in (TITLE, AUTHOR) for letter, box in zip(text.text, text.glyphs, strict=True)]
    assert cited == [(letter, rows_of(sample, box, 0)) for letter, box in read]
    assert {len(rows) for _, rows in cited} == {1}


def test_a_word_cites_the_place_that_it_speaks_of_in_the_parts_and_in_the_whole_of_an_earlier_picture(
    sample: Sample,
) -> None:
    red = next(target for target in sample.targets if TOKENIZER.piece(target.token) == "▁red")
    assert red.cited == rows_of_both(sample, (10, 10, 40, 40), 1)
    assert sample.pictures[1].start <= red.cited[0] < sample.pictures[1].start + sample.pictures[1].tiling.tokens
    purple = next(target for target in sample.targets if TOKENIZER.piece(target.token) == "▁purple")
    assert min(purple.cited) >= sample.pictures[0].start
    assert max(purple.cited) < sample.pictures[1].start


def test_pictures_stand_in_zeros_and_are_what_the_product_sees(sample: Sample) -> None:
    for seen, drawing in zip(sample.pictures, DIALOGUE.pictures, strict=True):
        crops = PROCESSOR.crops(drawing.image, max_crops=MOST_CROPS)
        assert torch.equal(seen.crops, crops.pixels.bfloat16())
        assert set(sample.ids[seen.start : seen.start + crops.tiling.tokens]) == {0}


def test_what_has_changed_since_the_picture_before_is_told_token_by_token() -> None:
    after = SCENE.image.resize((336, 336))  # nine crops, twelve tokens a line
    before = after.copy()
    after.paste("red", (30, 58, 50, 80))  # within the token of line 2, column 1
    sample = SampleBuilder(TINY).build(pair(before, after))
    assert sample.pictures[0].changed is None
    changed = sample.pictures[1].changed
    assert changed is not None
    assert changed.nonzero().flatten().tolist() == [2 * 12 + 1]


def test_pictures_of_different_form_are_not_compared() -> None:
    sample = SampleBuilder(TINY).build(pair(Image.new("RGB", (224, 224)), Image.new("RGB", (400, 100))))
    assert sample.pictures[1].changed is None


def test_a_name_in_a_question_knows_where_it_stands_and_what_its_mark_is_worth() -> None:
    drawing = draw_chart(random.Random(0), Split.SEEN, what="bar")
    chart = drawing.facts
    assert isinstance(chart, Chart)
    one, other = chart.labels[:2]
    question = f"Is {one.text} taller than {other.text}?"
    quotes = tuple(
        Quote(
            start=question.index(text.text),
            stop=question.index(text.text) + len(text.text),
            cite=Cite(picture=1, boxes=text.glyphs),
        )
        for text in (one, other)
    )
    greet = msgspec.structs.replace(DIALOGUE.exchanges[2], shows=(0, 1))
    ask = Exchange(task=Task.COMPARISON, question=question, answer=(Piece("Yes"),), quotes=quotes)
    sample = SampleBuilder(TINY).build(Dialogue(pictures=(SCENE, drawing), exchanges=(greet, ask)))
    picture, placement = sample.pictures[1], place(sample, 1, drawing)

    assert [TOKENIZER.piece(sample.ids[name.row])[-1] for name in sample.names] == [one.text[-1], other.text[-1]]
    for name, text, value in zip(sample.names, (one, other), chart.values, strict=False):
        assert TOKENIZER.decode(sample.ids[: name.row + 1]).endswith(text.text)
        assert name.read == tuple(picture.start + row for row in placement.rows(text.glyphs))
        assert set(name.known) - set(name.read) <= {picture.start + row for row in placement.rows_of_whole((text.box,))}
        assert name.value == pytest.approx(value)
    (pair,) = sample.pairs
    assert [pair.first, pair.second] == [name.row for name in sample.names]
    assert pair.lead == pytest.approx(chart.values[0] - chart.values[1])
    assert pair.row == next(target.row for target in sample.targets if target.exchange == 1)


def pair(before: Image.Image, after: Image.Image) -> Dialogue:
    first, second = (Drawing(image=image, facts=SCENE.facts) for image in (before, after))
    ask = msgspec.structs.replace(DIALOGUE.exchanges[2], shows=(0, 1))
    return Dialogue(pictures=(first, second), exchanges=(ask,))
