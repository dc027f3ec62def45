"""The built-in model means what it says: it answers every example in exactly the words written beside it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from inference_worker.image.processor import ImageProcessor
from inference_worker.model.checkpoint import TINY, load_model
from inference_worker.model.phi3v import Phi3V
from inference_worker.model.tokenizer import Tokenizer
from tests.golden.greedy import greedy
from tests.golden.prompt import chat_text, prompt_ids

EXAMPLES = Path(__file__).parents[3] / "examples"
DIALOGUES = [json.loads(line) for line in (EXAMPLES / "dialogues.jsonl").read_text(encoding="utf-8").splitlines()]
KINDS = sorted({dialogue["kind"] for dialogue in DIALOGUES})
TOKENIZER = Tokenizer(TINY)


@pytest.fixture(scope="module")
def model() -> Phi3V:
    return load_model(TINY, dtype=torch.float32)


def answers(model: Phi3V, dialogue: dict[str, Any]) -> Iterator[str]:
    """Its own answers become the history of the next question."""
    processor = ImageProcessor(model.config.image)
    pictures = [
        processor.crops(Image.open(EXAMPLES / "pictures" / name), max_crops=model.config.image.num_crops)
        for name in dialogue["pictures"]
    ]
    tilings = [picture.tiling for picture in pictures]
    with torch.inference_mode():
        features = torch.cat(model.encode(torch.cat([picture.pixels for picture in pictures]), tilings))
    tags = "".join(f"<|image_{number}|>\n" for number in range(1, len(pictures) + 1))
    messages: list[dict[str, str]] = []
    for turn in dialogue["turns"]:
        messages.append({"role": "user", "content": ("" if messages else tags) + turn["question"]})
        text = chat_text(messages, add_generation_prompt=True)
        ids = prompt_ids(TOKENIZER, text, [tiling.tokens for tiling in tilings])
        answer = TOKENIZER.decode(greedy(model, ids, features, max_new_tokens=60, stop_ids=model.config.stop_ids))
        messages.append({"role": "assistant", "content": answer})
        yield answer


@pytest.mark.parametrize("kind", KINDS)
def test_every_example_is_answered_in_exactly_its_words(model: Phi3V, kind: str) -> None:
    for dialogue in DIALOGUES:
        if dialogue["kind"] == kind:
            assert list(answers(model, dialogue)) == [turn["answer"] for turn in dialogue["turns"]], dialogue[
                "pictures"
            ]


def test_the_examples_cover_every_kind_and_every_picture() -> None:
    assert KINDS == ["chart", "compare", "cover", "page", "pair", "receipt", "scene", "sign"]
    shown = {name for dialogue in DIALOGUES for name in dialogue["pictures"]}
    assert shown == {path.name for path in (EXAMPLES / "pictures").iterdir()}
