"""A model of true sizes with random weights, built where it runs, and requests of random tokens and pictures.

What it answers is noise; it costs exactly what the trained one would.
"""

import json
import math
import tempfile
from concurrent.futures import Future
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.make_checkpoint import build_config
from inference_worker.engine.backends.contiguous import ContiguousAttention, Segment
from inference_worker.engine.backends.paged import PagedAttention
from inference_worker.engine.contiguous_cache import ContiguousCache
from inference_worker.engine.request import (
    ConversationKey,
    PictureKey,
    PictureSlot,
    Prompt,
    Request,
    SamplingParams,
)
from inference_worker.image.processor import Crops
from inference_worker.image.tiling import Tiling, choose_tiling
from inference_worker.model.config import ModelConfig, read_config
from inference_worker.model.decoder import DecoderLayer
from inference_worker.model.phi3v import Phi3V

PHOTO = 1280, 720


def config_of(sizes: dict[str, int]) -> ModelConfig:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(build_config(sizes)))
        (Path(folder) / "preprocessor_config.json").write_text(json.dumps({"num_crops": 4, "num_img_tokens": 144}))
        return read_config(Path(folder))


def random_model(config: ModelConfig, dtype: torch.dtype, device: torch.device) -> Phi3V:
    """Norms that change nothing, and matrices that keep the size of what they are given."""
    with torch.device("meta"):
        model = Phi3V(config)
    for module in model.modules():
        for name, empty in list(module.named_parameters(recurse=False)):
            weight = torch.ones(empty.shape, dtype=dtype, device=device)
            if weight.dim() > 1:
                weight.normal_(std=1 / math.sqrt(weight.shape[-1]))
            setattr(module, name, nn.Parameter(weight, requires_grad=False))
    model.rope.to(device)
    return model.eval()


def fuse(model: Phi3V) -> None:
    """Have torch's compiler join the small kernels of each layer, around its attention, which stays as it is."""
    PagedAttention.__call__ = torch.compiler.disable(PagedAttention.__call__)  # type: ignore[method-assign]
    for layer in model.modules():
        if isinstance(layer, DecoderLayer):
            layer.compile(dynamic=True)


def decoder_bytes(model: Phi3V) -> int:
    """What a decode step reads of the weights: the decoder's layers and the output layer."""
    return sum(part.nbytes for part in [*model.model.layers.parameters(), model.lm_head.weight])


@torch.inference_mode()
def whole_forward(model: Phi3V, ids: list[int]) -> Tensor:
    """Logits (vocab,) of the last position, with nothing cached: the slow twin."""
    cache = ContiguousCache(model.config, dtype=model.dtype, device=model.device)
    cache.reserve(len(ids))
    segment = Segment(rows=slice(0, len(ids)), cache=cache)
    positions = torch.arange(len(ids), device=model.device)
    cos, sin = model.rope.cos_sin(positions, long=model.rope.uses_long(len(ids)))
    hidden = model(model.embed(torch.tensor(ids, device=model.device)), cos, sin, ContiguousAttention([segment]))
    return model.logits(hidden[-1:])[0]


def words(count: int, *, seed: int = 0) -> list[int]:
    """Random token ids that are no special ones."""
    drawn: list[int] = torch.randint(5, 30_000, (count,), generator=torch.Generator().manual_seed(seed)).tolist()
    return drawn


def question(name: str, prompt: Prompt, *, new: int, config: ModelConfig) -> Request:
    """In a conversation of this name; its pictures are noise, and there at once."""
    loaded: Future[Crops] = Future()
    loaded.set_result(noise(photo_tiling(config)))
    return Request(
        id=name,
        conversation=ConversationKey(name=name),
        prompt=prompt,
        sampling=SamplingParams(max_new_tokens=new),
        load_crops=lambda _key: loaded,
    )


@cache
def noise(tiling: Tiling) -> Crops:
    """The pixels of every photograph; its name tells it from the others."""
    return Crops(pixels=torch.randn(tiling.crops, 3, tiling.crop_size, tiling.crop_size), tiling=tiling)


def text_prompt(length: int, *, seed: int = 0) -> Prompt:
    return Prompt(ids=tuple(words(length, seed=seed)))


def photo_prompt(name: str, config: ModelConfig, *, text: int) -> Prompt:
    """A photograph nobody has seen, and so many words."""
    key = PictureKey(tenant="bench", digest=name, max_crops=4)
    slot = PictureSlot(start=1, stop=1 + photo_tiling(config).tokens, key=key)
    return Prompt(ids=(1, *[key.slot_id] * (slot.stop - slot.start), 1, *words(text)), slots=(slot,))


def photo_tiling(config: ModelConfig) -> Tiling:
    image = config.image
    return choose_tiling(*PHOTO, max_crops=4, crop_size=image.crop_size, tokens_per_side=image.tokens_per_side)
