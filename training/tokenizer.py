"""The vocabulary of the drawn world, in the form of the model's own `tokenizer.json`.

Words that the talk uses are whole pieces; what is read from pictures, and every other word, is spelled in characters.
Characters beyond the vocabulary are spelled in bytes.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.dialogue import Dialogue

BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
GRANULE = 64  # rows of the tables: whole blocks for the CPU's matrix units

_WORD = re.compile("▁?[A-Za-z]+")  # as the tokeniser's own split has it
_SPELLED = "\0"  # stands for what an answer spells


def collect_words(dialogues: Iterable[Dialogue]) -> Counter[str]:
    """How often the talk uses each word, as pieces ("▁is", and "What" at the beginning of a line).

    What stands in a dialogue's pictures does not count there, even where a question names it.
    """
    words: Counter[str] = Counter()
    for dialogue in dialogues:
        shown = {_bare(word) for drawing in dialogue.pictures for text in drawing.texts for word in _in(text.text)}
        for exchange in dialogue.exchanges:
            answer = "".join(_SPELLED if piece.spelled else piece.text for piece in exchange.answer)
            said = [*_in(f"\n{exchange.question}"), *_in(answer)]
            words.update(word for word in said if len(word) > 1 and _bare(word) not in shown)
    return words


def build_tokenizer(form: Mapping[str, Any], words: Counter[str], *, most: int) -> dict[str, Any]:
    """A `tokenizer.json` of at most `most` ids.

    Args:
        form: an earlier `tokenizer.json`: its characters, special tokens and habits are kept, its words are not.
        words: see `collect_words`; the most frequent are taken, those met once are not.
        most: ids in all, a multiple of `GRANULE`.
    """
    old = form["model"]["vocab"]
    controls = [piece for piece in sorted(old, key=old.__getitem__) if old[piece] < min(old[byte] for byte in BYTES)]
    characters = [piece for piece in sorted(old, key=old.__getitem__) if len(piece) == 1]
    added = [token for token in form["added_tokens"] if token["content"] not in controls]
    fixed = [*controls, *BYTES, *characters]
    room = most - len(fixed) - len(added)
    pieces = [*fixed, *sorted(word for word, count in words.most_common(room) if count > 1)]
    pieces += [f"<|unused{place}|>" for place in range(-(len(pieces) + len(added)) % GRANULE)]
    ids = {piece: place for place, piece in enumerate(pieces)}
    ids |= {token["content"]: len(pieces) + place for place, token in enumerate(added)}
    return {
        **form,
        "added_tokens": [token | {"id": ids[token["content"]]} for token in form["added_tokens"]],
        "model": form["model"] | {"vocab": {piece: ids[piece] for piece in pieces}, "merges": []},
    }


def pieces_of(tokenizer: Mapping[str, Any]) -> dict[str, int]:
    """All pieces of a `tokenizer.json` with their ids, the added tokens among them."""
    pieces: dict[str, int] = tokenizer["model"]["vocab"]
    return pieces | {token["content"]: token["id"] for token in tokenizer["added_tokens"]}


def write_model_files(folder: Path, *, base: Path, tokenizer: Mapping[str, Any], layers: int | None = None) -> None:
    """All of a model's folder but the weights: `base`'s files, with this tokeniser and so many layers in the decoder."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(base.glob("*.json")):
        (folder / path.name).write_bytes(path.read_bytes())
    ids = pieces_of(tokenizer)
    ends = [ids["<|endoftext|>"], ids["<|assistant|>"], ids["<|end|>"]]
    _change(folder / "config.json", vocab_size=len(ids), pad_token_id=ends[0])
    if layers is not None:
        _change(folder / "config.json", num_hidden_layers=layers)
    _change(folder / "generation_config.json", eos_token_id=ends, pad_token_id=ends[0])
    _write(folder / "tokenizer.json", tokenizer)


def set_crops(folder: Path, crops: int) -> None:
    """So many of a picture at most, in the files of a model's folder."""
    _change(folder / "preprocessor_config.json", num_crops=crops)
    if (presets := folder / "threadsight.json").exists():
        _change(presets, max_crops=crops)


def map_rows(table: Tensor, old: Mapping[str, int], new: Mapping[str, int]) -> Tensor:
    """The rows (old pieces, width) of a table in the order of another vocabulary: (new pieces, width).

    A piece that the old one lacks begins as the mean of its characters' rows.
    """
    rows = []
    for piece in sorted(new, key=new.__getitem__):
        parts = [piece] if piece in old else [character for character in piece if character in old]
        rows.append(table[[old[part] for part in parts]].mean(dim=0))
    return torch.stack(rows)


def _in(text: str) -> list[str]:
    """The words of a text as pieces."""
    return _WORD.findall("▁" + text.replace(" ", "▁"))


def _bare(word: str) -> str:
    return word.removeprefix("▁").casefold()


def _change(path: Path, **fields: Any) -> None:
    _write(path, json.loads(path.read_text(encoding="utf-8")) | fields)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
