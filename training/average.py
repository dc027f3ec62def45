"""The mean of two models, of which one went on from the other's weights: it may answer better than either.

What the last sitting's noise did to the one is not what it did to the other (Wortsman et al. 2022, "Model soups").
"""

import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file

WEIGHTS = "model.safetensors"


class NotAlike(Exception):
    """The two have other words or other sizes; the argument says which of them."""


def average(one: Path, other: Path, out: Path, *, share: float) -> None:
    """Write a model whose weights are `share` of the other's and the rest of the one's, with the other's files.

    Raises:
        NotAlike: their mean would mean nothing.
    """
    if (one / "tokenizer.json").read_bytes() != (other / "tokenizer.json").read_bytes():
        raise NotAlike("words")
    first, second = load_file(one / WEIGHTS), load_file(other / WEIGHTS)
    if {name: weight.shape for name, weight in first.items()} != {
        name: weight.shape for name, weight in second.items()
    }:
        raise NotAlike("sizes")
    out.mkdir(parents=True, exist_ok=True)
    for file in other.glob("*.json"):
        shutil.copy(file, out / file.name)
    mean = {name: (first[name].float().lerp(weight.float(), share)).to(weight.dtype) for name, weight in second.items()}
    save_file(mean, out / WEIGHTS, metadata={"format": "pt"})
