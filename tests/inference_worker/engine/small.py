"""A random model of the same architecture, small enough to run a thousand times, with its rope border at 48 tokens."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future

import msgspec
import torch
from torch import Tensor

from inference_worker.engine.backends.contiguous import ContiguousAttention, ContiguousBackend, Segment
from inference_worker.engine.backends.gather import GatherKernel
from inference_worker.engine.backends.paged import PagedBackend
from inference_worker.engine.contiguous_cache import ContiguousCache
from inference_worker.engine.engine import Engine
from inference_worker.engine.graphs import StaticDecoder
from inference_worker.engine.paged_cache import BlockPool
from inference_worker.engine.request import (
    ConversationKey,
    Failure,
    Finished,
    Output,
    PictureKey,
    PictureSlot,
    Prompt,
    Request,
    SamplingParams,
    Token,
)
from inference_worker.engine.scheduler import EngineLimits
from inference_worker.image.processor import Crops, ImageConfig
from inference_worker.image.tiling import choose_tiling
from inference_worker.model.config import ModelConfig, TowerConfig
from inference_worker.model.phi3v import Phi3V

BORDER = 48
VOCAB = 61
STOP = 60
LONG_STORY = [(7 * i * i + 3) % (VOCAB - 1) for i in range(BORDER + 20)]  # crosses the border
TILING = choose_tiling(20, 10, max_crops=2, crop_size=8, tokens_per_side=2)  # 1 x 2 crops


def small_config() -> ModelConfig:
    draw = torch.Generator().manual_seed(5)
    factors = [tuple((1 + 3 * torch.rand(4, generator=draw)).tolist()) for _ in range(2)]
    return ModelConfig(
        hidden_size=32,
        layers=2,
        heads=4,
        kv_heads=2,
        head_dim=8,
        intermediate_size=48,
        vocab_size=VOCAB,
        rms_norm_eps=1e-5,
        tied=False,
        max_position_embeddings=1024,
        original_max_position_embeddings=BORDER,
        rope_theta=10000.0,
        short_factor=factors[0],
        long_factor=factors[1],
        attention_factor=1.2,
        image=ImageConfig(crop_size=8, tokens_per_side=2, num_crops=2, mean=(0.5,) * 3, std=(0.5,) * 3),
        tower=TowerConfig(
            hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2, image_size=8, patch_size=2
        ),
        tower_layers=2,
        stop_ids=frozenset({STOP}),
    )


def small_model() -> Phi3V:
    torch.manual_seed(11)
    model = Phi3V(small_config())
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.35)
    return model.eval().requires_grad_(requires_grad=False)


def picture(name: str) -> PictureKey:
    return PictureKey(tenant="t", digest=name, max_crops=2)


PICTURES = [picture(name) for name in "abc"]


def crops_of(key: PictureKey) -> Crops:
    draw = torch.Generator().manual_seed(-key.slot_id % 2**31)
    return Crops(pixels=torch.randn(TILING.crops, 3, 8, 8, generator=draw), tiling=TILING)


def arrived(key: PictureKey) -> Future[Crops]:
    future: Future[Crops] = Future()
    future.set_result(crops_of(key))
    return future


def prompt_of(parts: Sequence[int | PictureKey]) -> Prompt:
    """Ids as they stand, pictures as slots."""
    ids: list[int] = []
    slots: list[PictureSlot] = []
    for part in parts:
        if isinstance(part, PictureKey):
            slots.append(PictureSlot(start=len(ids), stop=len(ids) + TILING.tokens, key=part))
            ids += [part.slot_id] * TILING.tokens
        else:
            ids.append(part)
    return Prompt(ids=tuple(ids), slots=tuple(slots))


def request(
    name: str,
    prompt: Prompt,
    *,
    new: int = 6,
    conversation: str | None = None,
    temperature: float = 0.0,
    seed: int = 0,
    stop_ids: frozenset[int] = frozenset(),
) -> Request:
    return Request(
        id=name,
        conversation=ConversationKey(name=conversation or name),
        prompt=prompt,
        sampling=SamplingParams(max_new_tokens=new, temperature=temperature, seed=seed, stop_ids=stop_ids),
        load_crops=arrived,
    )


class Answers(msgspec.Struct):
    tokens: dict[str, list[int]] = {}
    finished: dict[str, Finished] = {}
    failed: dict[str, BaseException] = {}

    def take(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if isinstance(output, Token):
                self.tokens.setdefault(output.request_id, []).append(output.token_id)
            elif isinstance(output, Failure):
                self.failed[output.request_id] = output.error
            else:
                self.finished[output.request_id] = output


def run(engine: Engine, *requests: Request, max_steps: int = 3000) -> Answers:
    """Step until everybody has ended; the engine checks itself after every step."""
    answers = Answers(tokens={}, finished={}, failed={})
    for asked in requests:
        engine.add(asked)
    for _ in range(max_steps):
        answers.take(engine.step())
        engine.check_integrity()
        if len(answers.finished) + len(answers.failed) == len(requests):
            return answers
    raise AssertionError("the engine does not come to an end")


def from_scratch(model: Phi3V, asked: Request) -> list[int]:
    """The slow twin: every token from one whole forward pass over everything before it, with nothing cached."""
    ids = list(asked.prompt.ids)
    for _ in range(asked.sampling.max_new_tokens):
        token = int(whole_forward(model, ids, asked.prompt.slots).argmax())
        if token in asked.sampling.stop_ids:
            break
        ids.append(token)
    return ids[len(asked.prompt.ids) :]


@torch.inference_mode()
def whole_forward(model: Phi3V, ids: Sequence[int], slots: Sequence[PictureSlot]) -> Tensor:
    """Logits of the last position, (vocab,)."""
    hidden = model.embed(torch.tensor(ids).clamp(min=0))
    for slot in slots:
        crops = crops_of(slot.key)
        hidden[slot.start : slot.stop] = model.encode(crops.pixels, [crops.tiling])[0]
    cache = ContiguousCache(model.config, dtype=model.dtype, device=model.device)
    cache.reserve(len(ids))
    segment = Segment(rows=slice(0, len(ids)), cache=cache)
    cos, sin = model.rope.cos_sin(torch.arange(len(ids)), long=len(ids) > BORDER)
    return model.logits(model(hidden, cos, sin, ContiguousAttention([segment]))[-1:])[0]


BuildEngine = Callable[..., Engine]
ROOM = 4 * 1024**2  # bytes of blocks, a few thousand tokens
BLOCK = 16  # tokens, so that a short conversation has many


def contiguous_engine(model: Phi3V, **limits: int) -> Engine:
    return Engine(
        model, ContiguousBackend(model), EngineLimits(**{"context": 1000, "kv_budget_bytes": 10**9, **limits})
    )


def paged_engine(model: Phi3V, **limits: int) -> Engine:
    limits = {"context": 1000, "kv_budget_bytes": ROOM, **limits}
    return Engine(model, paged_backend(model, budget_bytes=limits["kv_budget_bytes"]), EngineLimits(**limits))


def static_engine(model: Phi3V, **limits: int) -> Engine:
    """Decodes in the padded, unmoving steps that a GPU captures, here without a graph."""
    engine = paged_engine(model, **limits)
    backend = engine._scheduler._backend
    assert isinstance(backend, PagedBackend)
    engine._runner._static = StaticDecoder(model, backend, captures=False)
    return engine


def paged_backend(model: Phi3V, *, budget_bytes: int = ROOM) -> PagedBackend:
    pool = BlockPool(model.config, budget_bytes=budget_bytes, dtype=model.dtype, device=model.device, block_size=BLOCK)
    return PagedBackend(pool, GatherKernel())


ENGINES: dict[str, BuildEngine] = {
    "contiguous": contiguous_engine,
    "paged": paged_engine,
    "static": static_engine,
}
