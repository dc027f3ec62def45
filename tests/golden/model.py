"""Section `model`: logits and greedy tokens of a random model in float32."""

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inference_worker.image.processor import Crops
from inference_worker.model.checkpoint import load_model
from inference_worker.model.phi3v import Phi3V
from tests.golden.folder import TOLERANCE, Case, GoldenFolder, Verdict, distance, is_far
from tests.golden.greedy import Memory, PlainSequence, embed
from tests.golden.pictures import draw

REFERENCE = "phi35v"  # Phi-3-vision's own code keeps a stale cache beyond 4096 tokens
CLEAR_GAP = 1e-3  # below it the two likeliest tokens cannot be told apart
EVERY = 37  # of the vocabulary, in `strided`


class Replayed:
    """The model and the vectors of a folder."""

    def __init__(self, folder: GoldenFolder) -> None:
        self._folder = folder
        self._arrays = folder.arrays("model/arrays.npz")

    def arrays_of(self, case: str) -> dict[str, Any]:
        """What is stored of one case, by its own names."""
        prefix = f"{case}."
        return {key.removeprefix(prefix): array for key, array in self._arrays.items() if key.startswith(prefix)}

    @cached_property
    def model(self) -> Phi3V:
        """The random model, loaded when the first case asks."""
        return load_model(self._folder.checkpoint, dtype=torch.float32)

    def crops(self, case: dict[str, Any]) -> list[Crops]:
        """The case's pictures as the tower sees them."""
        processor = self._folder.processor()
        return [processor.crops(draw(*picture), max_crops=case["num_crops"]) for picture in case.get("images") or []]

    @torch.inference_mode()
    def features(self, crops: list[Crops]) -> Tensor | None:
        """Rows of all pictures, one after the other."""
        if not crops:
            return None
        pixels = torch.cat([picture.pixels for picture in crops])
        return torch.cat(self.model.encode(pixels, [picture.tiling for picture in crops]))


def cases(folder: GoldenFolder) -> Iterator[Case]:
    """One case for each prompt or batch."""
    stored = folder.read("model/model.json") or {"cases": []}
    replayed = Replayed(folder)
    for case in stored["cases"]:
        yield Case(case["name"], partial(_check, replayed, case))


def _check(replayed: Replayed, case: dict[str, Any]) -> Verdict:
    arrays = replayed.arrays_of(case["name"])
    crops = replayed.crops(case)
    features = replayed.features(crops)
    prompts = _prompts(arrays)
    pictured = [sum(token < 0 for token in ids) for ids in prompts]
    if features is not None and sum(pictured) != len(features):
        return Verdict([f"{sum(pictured)} positions of pictures for {len(features)} rows of features"])
    rows = [None] * len(prompts) if features is None else torch.split(features, pictured)

    problems = _inner_problems(replayed.model, arrays, crops, prompts[0], rows[0])
    off = 0.0
    for index, (ids, own) in enumerate(zip(prompts, rows, strict=True)):
        sequence = PlainSequence(replayed.model, ids, own)
        logits = sequence.run(last=min(8, len(ids)))
        off = max(off, _distance(arrays, "last8", logits))
        if "last_full" in arrays:
            off = max(off, distance(logits[-1], arrays["last_full"]))
        if greedy := (case.get("greedy") or {}).get(REFERENCE):
            tokens, gaps = (np.atleast_2d(greedy[key])[index].tolist() for key in ("ids", "top1_top2_gap"))
            wrong, steps_off = _replay_greedy(sequence, logits[-1:], tokens, gaps, arrays)
            problems += wrong
            off = max(off, steps_off)
    if not off <= TOLERANCE:
        problems.append(f"logits off by {off:.2e}")
    return Verdict(problems, off)


def _prompts(arrays: dict[str, Any]) -> list[list[int]]:
    """The prompts of a case without their left padding: sequences here run alone."""
    ids = np.atleast_2d(arrays["input_ids"])
    mask = np.atleast_2d(arrays.get("attention_mask", np.ones_like(ids)))
    return [row[kept.astype(bool)].tolist() for row, kept in zip(ids, mask, strict=True)]


def _distance(arrays: dict[str, Any], name: str, logits: Tensor, step: slice = slice(None)) -> float:
    """How far `logits` (rows, vocab) are from a stored summary: the likeliest, every 37th, and the normaliser."""
    if f"{name}.top_ids" not in arrays:
        return 0.0
    likeliest = logits.gather(1, torch.from_numpy(arrays[f"{name}.top_ids"][step].astype(np.int64)))
    return max(
        distance(likeliest, arrays[f"{name}.top_vals"][step]),
        distance(logits[:, ::EVERY], arrays[f"{name}.strided"][step]),
        distance(logits.double().logsumexp(dim=1), arrays[f"{name}.logsumexp"][step]),
    )


def _replay_greedy(
    sequence: PlainSequence, logits: Tensor, tokens: list[int], gaps: list[float], arrays: dict[str, Any]
) -> tuple[list[str], float]:
    """Decode with a cache; each step against the reference's token and, where stored, its uncached logits."""
    off = 0.0
    for step, (token, gap) in enumerate(zip(tokens, gaps, strict=True)):
        off = max(off, _distance(arrays, "uncached_steps", logits, slice(step, step + 1)))
        found = int(logits.argmax())
        if found != token:
            return [] if gap < CLEAR_GAP else [f"token {step} is {found} instead of {token}"], off
        sequence.ids.append(token)
        if step + 1 < len(tokens):
            logits = sequence.run()
    return [], off


@torch.inference_mode()
def _inner_problems(
    model: Phi3V, arrays: dict[str, Any], crops: list[Crops], ids: list[int], features: Tensor | None
) -> list[str]:
    """What is stored of the way from pixels to logits."""
    problems: list[str] = []
    for name, expected in arrays.items():
        if name.startswith("clip_layer_minus2_patches"):
            tower = model.model.vision_embed_tokens.img_processor["vision_model"]
            patches = tower(crops[0].pixels[: len(expected)])
            problems += is_far(name, patches[:, :: patches.shape[1] // expected.shape[1]], expected)
        elif name == "image_features_projected":
            problems += is_far(name, features, expected)
        elif name == "inputs_embeds_strided7":
            problems += is_far(name, embed(model, ids, features)[::7], expected)
        elif name == "hidden_states_last_token":
            problems += is_far(name, _last_hidden_states(model, embed(model, ids, features)), expected)
    return problems


def _last_hidden_states(model: Phi3V, hidden: Tensor) -> Tensor:
    """The last row as each layer receives it, and after the last norm: (layers + 1, hidden)."""
    states: list[Tensor] = []
    hooks = [
        layer.register_forward_pre_hook(lambda _, inputs: states.append(inputs[0][-1])) for layer in model.model.layers
    ]
    cos, sin = model.rope.cos_sin(torch.arange(len(hidden)), long=model.rope.uses_long(len(hidden)))
    states.append(model(hidden, cos, sin, Memory())[-1])
    for hook in hooks:
        hook.remove()
    return torch.stack(states)
