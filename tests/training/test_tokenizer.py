import json
from collections import Counter
from pathlib import Path

import msgspec
import pytest
import torch

from inference_worker.model.checkpoint import TINY
from inference_worker.model.config import read_config
from inference_worker.model.tokenizer import Tokenizer
from tests.training.drawn import DIALOGUE
from training.tokenizer import build_tokenizer, collect_words, map_rows, pieces_of, write_model_files

FORM = json.loads((TINY / "tokenizer.json").read_text(encoding="utf-8"))
BUILT = build_tokenizer(FORM, collect_words([DIALOGUE] * 2), most=1024)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    write_model_files(folder, base=TINY, tokenizer=BUILT)
    return folder


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer(folder)


def pieces(tokenizer: Tokenizer, text: str) -> list[str]:
    return [tokenizer.piece(token) for token in tokenizer.encode_untrusted(text)]


def test_words_of_the_talk_are_one_piece_each_as_they_stand_at_a_beginning_or_within(tokenizer: Tokenizer) -> None:
    assert pieces(tokenizer, "\nWhat color is the square?") == [
        "▁",
        "\n",
        "What",
        "▁color",
        "▁is",
        "▁the",
        "▁square",
        "?",
    ]


def test_what_is_read_from_pictures_is_spelled(tokenizer: Tokenizer) -> None:
    assert pieces(tokenizer, 'The title is "Alone"') == ["▁The", "▁title", "▁is", "▁", '"', *"Alone", '"']


def test_a_word_that_stands_in_a_picture_is_spelled_in_questions_too() -> None:
    asks = msgspec.structs.replace(DIALOGUE.exchanges[0], question="Is alone on the cover?")
    words = collect_words([msgspec.structs.replace(DIALOGUE, exchanges=(asks,))])
    assert "▁alone" not in words
    assert words["▁cover"] == 1


def test_a_word_met_once_is_spelled() -> None:
    built = build_tokenizer(FORM, Counter({"▁once": 1, "▁twice": 2}), most=1024)
    assert "▁twice" in built["model"]["vocab"]
    assert "▁once" not in built["model"]["vocab"]


def test_the_most_frequent_words_are_taken_when_there_is_no_room_for_all() -> None:
    fixed = 3 + 256 + sum(len(piece) == 1 for piece in FORM["model"]["vocab"])
    specials = sum(token["content"] not in FORM["model"]["vocab"] for token in FORM["added_tokens"])
    few = build_tokenizer(FORM, Counter({"▁rare": 8, "▁often": 9, "▁most": 10}), most=fixed + specials + 2)
    assert "▁often" in few["model"]["vocab"]
    assert "▁most" in few["model"]["vocab"]
    assert "▁rare" not in few["model"]["vocab"]


@pytest.mark.parametrize("text", ['The title is "Alone".', "Größe 5 € — naïve 日本 \U0001f600", "<|end|>", "x_y\n z"])
def test_every_text_comes_back_as_it_was(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode_untrusted(text)) == text


def test_special_tokens_keep_their_habits(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("<|user|>\nWhat<|end|>\n<|assistant|>\n", bos=True)
    newline = tokenizer.encode("\n")
    what = tokenizer.encode("\nWhat")[2:]
    assert ids == [1, tokenizer.user_id, *newline, *what, tokenizer.end_id, *newline, tokenizer.assistant_id]


def test_the_files_agree_with_the_vocabulary(folder: Path, tokenizer: Tokenizer) -> None:
    config = read_config(folder)
    ids = pieces_of(BUILT)
    assert sorted(ids.values()) == list(range(config.vocab_size))
    assert config.vocab_size % 64 == 0
    assert config.vocab_size <= 1024
    assert config.stop_ids >= {tokenizer.end_id, ids["<|endoftext|>"], tokenizer.assistant_id}
    assert max(config.stop_ids) < config.vocab_size


def test_rows_follow_their_pieces_and_new_words_begin_as_the_mean_of_their_characters() -> None:
    table = torch.tensor([[1.0, 0.0], [2.0, 2.0], [4.0, 8.0]])
    mapped = map_rows(table, {"a": 0, "b": 1, "▁is": 2}, {"▁is": 0, "b": 1, "ab": 2, "a": 3})
    assert mapped.tolist() == [[4.0, 8.0], [2.0, 2.0], [1.5, 1.0], [1.0, 0.0]]
