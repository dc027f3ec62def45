"""Section `rope`: cosine and sine of the real models' configs."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

from inference_worker.model.rope import RotaryEmbedding
from tests.golden.folder import Case, GoldenFolder, Verdict, is_far


def cases(folder: GoldenFolder) -> Iterator[Case]:
    """One case for each model and set of factors."""
    stored = folder.read("rope/rope.json")
    arrays = folder.arrays("rope/rope.npz")
    for name in sorted({key.rpartition(".")[0] for key in arrays}):
        expected = {key.rpartition(".")[2]: array for key, array in arrays.items() if key.startswith(f"{name}.")}
        yield Case(name, partial(_check, folder, name, stored, expected))


def _check(folder: GoldenFolder, name: str, stored: dict[str, Any], expected: dict[str, Any]) -> Verdict:
    model, _, factors = name.partition(".")
    rope = RotaryEmbedding(folder.config(model))
    positions = torch.tensor(stored[f"{factors}_positions"])
    long = factors == "long"
    cos, sin = rope.cos_sin(positions, long=long)
    one_by_one = rope.cos_sin(positions, long=torch.full_like(positions, long, dtype=torch.bool))
    inv_freq = rope.long_inv_freq if long else rope.short_inv_freq
    problems = is_far("cos", cos, expected["cos"]) + is_far("sin", sin, expected["sin"])
    problems += is_far("cos, factors a token", one_by_one[0], expected["cos"])
    problems += is_far("sin, factors a token", one_by_one[1], expected["sin"])
    if "inv_freq" in expected:
        problems += is_far("inv_freq", inv_freq, expected["inv_freq"], within=1e-7)
    return Verdict(problems)
