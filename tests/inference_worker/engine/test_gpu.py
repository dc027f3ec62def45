"""What only a CUDA device can show: graphs that are captured, and the libraries' own kernels."""

import copy
from importlib.util import find_spec

import pytest
import torch

from inference_worker.engine.backends import HOPPER, build_backend
from inference_worker.engine.backends.flash2 import Flash2Kernel
from inference_worker.engine.backends.flash3 import Flash3Kernel
from inference_worker.engine.backends.gather import GatherKernel
from inference_worker.engine.backends.paged import Kernel, Pages, RaggedPages
from inference_worker.engine.engine import Engine
from inference_worker.engine.request import Request
from inference_worker.engine.scheduler import EngineLimits
from tests.inference_worker.engine.small import BORDER, from_scratch, picture, prompt_of, request, run, small_model

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device on this machine"),
]

MODEL = small_model()
STORY = [(7 * n * n + 3) % 59 for n in range(700)]


def engine_on_gpu() -> Engine:
    model = copy.deepcopy(MODEL).cuda()
    limits = EngineLimits(context=1000, kv_budget_bytes=40 * 256 * model.kv_bytes_per_token, chunk_tokens=64)
    return Engine(model, build_backend(model, GatherKernel(), budget_bytes=limits.kv_budget_bytes), limits)


def mixture() -> list[Request]:
    return [
        request("plain", prompt_of(STORY[:9]), new=20),
        request("seen", prompt_of([1, picture("a"), 1, 4, 5]), new=20),
        request("crossing", prompt_of(STORY[: BORDER - 6]), new=20),
        request("long", prompt_of(STORY), new=20),
        request("drawn", prompt_of([1, 2, 3]), new=20, temperature=1.2, seed=7),
    ]


def kernel_here(kind: type[Flash2Kernel | Flash3Kernel]) -> Kernel:
    """The libraries are optional, and flash-attn 3 runs on one sort of GPU: elsewhere there is nothing to compare.

    Raises:
        ImportError: the library is installed and does not load. That is a failure, not a reason to skip.
    """
    if kind is Flash3Kernel and torch.cuda.get_device_capability()[0] != HOPPER:
        pytest.skip("flash-attn 3 has kernels for Hopper GPUs only")
    spec = find_spec(kind.library)
    if spec is None or spec.origin is None:  # flash-attn 4 alone leaves an empty folder of that name
        pytest.skip(f"{kind.library} is an optional library and is not installed here")
    return kind()


def test_captured_steps_answer_like_one_by_one_from_scratch_on_a_cpu() -> None:
    engine = engine_on_gpu()
    asked = mixture()
    answers = run(engine, *asked)
    assert engine._runner._static is not None
    assert engine._runner._static.captured > 0
    for one in asked:
        if one.sampling.temperature == 0:
            assert answers.tokens[one.id] == from_scratch(MODEL, one)


def test_a_graph_answers_like_no_graph() -> None:
    captured, plain = engine_on_gpu(), engine_on_gpu()
    plain._runner._static = None
    assert run(captured, *mixture()).tokens == run(plain, *mixture()).tokens


@pytest.mark.parametrize("kind", [Flash2Kernel, Flash3Kernel])
@pytest.mark.parametrize("kv_heads", [8, 32])
def test_a_library_attends_like_torch_alone(kind: type[Flash2Kernel | Flash3Kernel], kv_heads: int) -> None:
    kernel, torch_alone = kernel_here(kind), GatherKernel()
    draw = torch.Generator("cuda").manual_seed(4)
    keys, values = torch.randn(2, 12, 256, kv_heads, 96, generator=draw, device="cuda").bfloat16()
    spans = ((200, 700), (1, 300), (3, 3))  # rows and keys of each sequence
    where = {
        "places": torch.zeros(204, dtype=torch.int32, device="cuda"),
        "lengths": torch.tensor([total for _, total in spans], dtype=torch.int32, device="cuda"),
        "block_table": torch.tensor([[7, 2, 9], [4, 0, 0], [11, 0, 0]], dtype=torch.int32, device="cuda"),
    }
    where["block_table"][1, 1] = 5
    ragged = RaggedPages(
        **where,
        row_starts=torch.tensor([0, 200, 201, 204], dtype=torch.int32, device="cuda"),
        key_starts=torch.tensor([0, 700, 1000, 1003], dtype=torch.int32, device="cuda"),
        spans=spans,
        most_rows=200,
        most_keys=700,
    )
    query = torch.randn(204, 32, 96, generator=draw, device="cuda").bfloat16()
    expected = torch_alone.ragged(query, keys, values, ragged)
    assert (kernel.ragged(query, keys, values, ragged) - expected).abs().max() < 0.02
    one_each = query[[199, 200, 203]]
    expected = torch_alone.decode(one_each, keys, values, Pages(**where))
    assert (kernel.decode(one_each, keys, values, Pages(**where)) - expected).abs().max() < 0.02
