import sys
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
import torch

from inference_worker.engine.backends import build_backend, choose_kernel
from inference_worker.engine.backends.contiguous import ContiguousBackend
from inference_worker.engine.backends.flash2 import Flash2Kernel
from inference_worker.engine.backends.flash3 import Flash3Kernel
from inference_worker.engine.backends.gather import GatherKernel
from inference_worker.engine.backends.paged import Kernel, PagedBackend, RaggedPages
from inference_worker.engine.engine import Engine
from inference_worker.engine.graphs import StaticDecoder
from inference_worker.engine.scheduler import EngineLimits
from tests.inference_worker.engine import flash_stand_ins
from tests.inference_worker.engine.small import from_scratch, picture, prompt_of, request, run, small_model
from tests.inference_worker.engine.test_attention import plain_attention

MODEL = small_model()
CUDA = torch.device("cuda")
HOPPER, AMPERE, TURING = (9, 0), (8, 6), (7, 5)


@pytest.fixture
def flash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flash_attn", flash_stand_ins.flash_attn())
    monkeypatch.setitem(sys.modules, "flash_attn_interface", flash_stand_ins.flash_attn_interface())


@pytest.fixture
def no_flash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flash_attn", None)
    monkeypatch.setitem(sys.modules, "flash_attn_interface", None)


def on_gpu(monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int]) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)


def test_a_cpu_keeps_each_sequence_in_one_piece() -> None:
    assert choose_kernel(torch.device("cpu"), torch.bfloat16, 96) is None
    assert isinstance(build_backend(MODEL, None, budget_bytes=10**6), ContiguousBackend)


@pytest.mark.parametrize(
    ("capability", "dtype", "head_dim", "expected"),
    [
        (HOPPER, torch.bfloat16, 96, Flash3Kernel),
        (AMPERE, torch.bfloat16, 96, Flash2Kernel),
        (AMPERE, torch.float16, 128, Flash2Kernel),
        (TURING, torch.float16, 96, GatherKernel),
        (HOPPER, torch.float32, 96, GatherKernel),
        (HOPPER, torch.bfloat16, 90, GatherKernel),
        (HOPPER, torch.bfloat16, 320, GatherKernel),
    ],
)
def test_a_gpu_uses_the_fastest_library_that_is_there_and_takes_the_model(  # noqa: PLR0917 - one row of a table
    flash: None,
    monkeypatch: pytest.MonkeyPatch,
    capability: tuple[int, int],
    dtype: torch.dtype,
    head_dim: int,
    expected: type,
) -> None:
    on_gpu(monkeypatch, capability)
    assert type(choose_kernel(CUDA, dtype, head_dim)) is expected


def test_a_gpu_without_any_library_uses_torch_alone(no_flash: None, monkeypatch: pytest.MonkeyPatch) -> None:
    on_gpu(monkeypatch, HOPPER)
    assert type(choose_kernel(CUDA, torch.bfloat16, 96)) is GatherKernel


def test_a_library_that_cannot_be_loaded_is_told_and_passed_over(
    flash: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise ImportError("undefined symbol: _ZN3c104cuda")

    on_gpu(monkeypatch, HOPPER)
    monkeypatch.setattr(Flash3Kernel, "__init__", lambda _self: broken())
    assert type(choose_kernel(CUDA, torch.bfloat16, 96)) is Flash2Kernel
    assert "undefined symbol" in capsys.readouterr().out


def test_a_library_without_a_module_that_it_needs_is_told_too(
    no_flash: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "flash_attn_interface.py").write_text("import its_compiled_part")
    on_gpu(monkeypatch, HOPPER)
    monkeypatch.delitem(sys.modules, "flash_attn_interface")
    monkeypatch.syspath_prepend(tmp_path)
    assert type(choose_kernel(CUDA, torch.bfloat16, 96)) is GatherKernel
    told = capsys.readouterr().out
    assert "its_compiled_part" in told
    assert "Flash2Kernel" not in told, "one that is not installed is nothing to tell of"


def test_another_library_in_the_same_folder_is_told_and_passed_over(
    no_flash: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "flash_attn" / "cute").mkdir(parents=True)  # all that flash-attn 4 installs
    on_gpu(monkeypatch, AMPERE)
    monkeypatch.delitem(sys.modules, "flash_attn")
    monkeypatch.syspath_prepend(tmp_path)
    assert type(choose_kernel(CUDA, torch.bfloat16, 96)) is GatherKernel
    assert "flash_attn_varlen_func" in capsys.readouterr().out


def test_the_pool_is_named_with_its_blocks() -> None:
    block_bytes = 256 * MODEL.kv_bytes_per_token
    backend = build_backend(MODEL, GatherKernel(), budget_bytes=1234 * block_bytes)
    assert backend.name == "torch over 1,234 blocks of 256 tokens"


@pytest.mark.parametrize("kernel", [Flash2Kernel, Flash3Kernel])
@pytest.mark.parametrize("static", [False, True])
def test_what_flash_attention_is_handed_gives_the_same_answers(flash: None, kernel: type[Kernel], static: bool) -> None:  # noqa: FBT001 - a parameter
    limits = EngineLimits(context=1000, kv_budget_bytes=20 * 256 * MODEL.kv_bytes_per_token, chunk_tokens=100)
    backend = build_backend(MODEL, kernel(), budget_bytes=limits.kv_budget_bytes)
    engine = Engine(MODEL, backend, limits)
    assert isinstance(backend, PagedBackend)
    if static:
        engine._runner._static = StaticDecoder(MODEL, backend, captures=False)
    asked = [
        request("long", prompt_of([(11 * n) % 59 for n in range(300)]), new=4),
        request("short", prompt_of([1, 2, 3]), new=12),
        request("seen", prompt_of([1, picture("a"), 1, 4]), new=8),
    ]
    answers = run(engine, *asked)
    for one in asked:
        assert answers.tokens[one.id] == from_scratch(MODEL, one)


@pytest.mark.parametrize("kv_heads", [2, 4])
@pytest.mark.parametrize("at_once", [1, 3, 64])
def test_torch_alone_attends_over_blocks_as_over_one_piece(
    kv_heads: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference_worker.engine.backends.gather.BLOCKS_AT_ONCE", at_once)
    draw = torch.Generator().manual_seed(4)
    keys, values = torch.randn(2, 6, 8, kv_heads, 16, generator=draw)  # six blocks of eight positions
    table = torch.tensor([[4, 1, 3], [5, 0, 0], [2, 0, 0]], dtype=torch.int32)
    spans = ((3, 20), (1, 8), (2, 2))  # rows and keys of each sequence
    query = torch.randn(6, 4, 16, generator=draw)
    pages = RaggedPages(
        places=torch.zeros(6, dtype=torch.int32),
        lengths=torch.tensor([20, 8, 2], dtype=torch.int32),
        block_table=table,
        row_starts=torch.tensor([0, 3, 4, 6], dtype=torch.int32),
        key_starts=torch.tensor([0, 20, 28, 30], dtype=torch.int32),
        spans=spans,
        most_rows=3,
        most_keys=20,
    )
    parts = torch.split(query, [rows for rows, _ in spans])
    expected = [
        plain_attention(
            part,
            keys[blocks].flatten(0, 1)[:total].transpose(0, 1),
            values[blocks].flatten(0, 1)[:total].transpose(0, 1),
        )
        for part, blocks, (_, total) in zip(parts, table, spans, strict=True)
    ]
    no_block = table.masked_fill(torch.tensor([[False, False, False], [False, True, True], [False, True, True]]), 6)
    ragged = GatherKernel().ragged(query, keys, values, msgspec.structs.replace(pages, block_table=no_block))
    assert (ragged - torch.cat(expected)).abs().max() < 1e-5
    last = query[[2, 3, 5]]
    decode = GatherKernel().decode(last, keys, values, pages)
    assert (decode - torch.stack([part[-1] for part in expected])).abs().max() < 1e-5


def test_a_module_is_only_imported_when_its_kernel_is_built() -> None:
    assert all(not isinstance(sys.modules.get(name), ModuleType) for name in ("flash_attn", "flash_attn_interface"))
