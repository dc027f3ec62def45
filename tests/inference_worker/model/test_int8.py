import pytest
import torch

from inference_worker.model.checkpoint import find_checkpoint, load_model
from inference_worker.model.int8 import Int8Linear, quantize_decoder


@pytest.mark.parametrize("rows", [1, 16, 17, 300])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_int8_is_as_near_to_the_exact_product_as_its_steps_allow(rows: int, dtype: torch.dtype) -> None:
    torch.manual_seed(4)
    linear = torch.nn.Linear(256, 96, bias=False).to(dtype).requires_grad_(False)  # noqa: FBT003
    given = torch.randn(rows, 256).to(dtype)
    exact = torch.nn.functional.linear(given.double(), linear.weight.double())
    error = (Int8Linear(linear)(given) - exact).abs()
    # Rounding is off by up to half a step of each weight, at random: deviation step / sqrt(12), and six of them.
    step = linear.weight.double().abs().amax(dim=1) / 127
    bound = 6 * step / 12**0.5 * given.double().norm(dim=1, keepdim=True) + exact.abs() * 2**-7 + 2**-9
    assert (error <= bound).all()
    assert error.max() > 0


@pytest.mark.parametrize(("device", "kernel"), [("cpu", True), ("meta", False)])
def test_the_int8_kernel_is_left_to_the_cpu(monkeypatch: pytest.MonkeyPatch, device: str, *, kernel: bool) -> None:
    """Other devices' has one thread for each number that comes out. `meta` stands for them."""
    taken: list[str] = []

    def multiply(rows: torch.Tensor, weight: torch.Tensor, _scale: torch.Tensor) -> torch.Tensor:
        taken.append(rows.device.type)
        return rows.new_empty(rows.shape[0], weight.shape[0])

    monkeypatch.setattr(torch, "_weight_int8pack_mm", multiply)
    linear = torch.nn.Linear(64, 32, bias=False, device=device, dtype=torch.bfloat16).requires_grad_(False)  # noqa: FBT003
    product = Int8Linear(linear)(torch.zeros(1, 64, device=device, dtype=torch.bfloat16))
    assert (product.shape, product.dtype) == ((1, 32), torch.bfloat16)
    assert taken == [device] * kernel


def test_in_float16_nothing_overflows_that_does_not_without_int8() -> None:
    torch.manual_seed(0)
    linear = torch.nn.Linear(8192, 64, bias=False).half().requires_grad_(False)  # noqa: FBT003
    given = 10 * torch.randn(32, 8192).half()
    exact = linear(given)
    assert exact.isfinite().all()
    torch.testing.assert_close(Int8Linear(linear)(given), exact, rtol=0.05, atol=0.05 * exact.abs().max().item())


def test_the_decoder_takes_half_the_memory_and_the_rest_stays_exact() -> None:
    model = load_model(find_checkpoint("tiny"), dtype=torch.bfloat16, layout=quantize_decoder)
    quantized = [name for name, module in model.named_modules() if isinstance(module, Int8Linear)]
    assert len(quantized) == 4 * model.config.layers
    assert all(name.startswith("model.layers.") for name in quantized)
    layer = model.get_submodule("model.layers.0.mlp.down_proj")
    plain = model.config.hidden_size * model.config.intermediate_size * 2
    assert layer.size_bytes == plain / 2 + model.config.hidden_size * 2
