import pytest
import torch

from inference_worker.model.checkpoint import find_checkpoint, load_model
from inference_worker.model.int8 import Int8Linear, quantize_decoder

LAST_BITS = {torch.bfloat16: 0.004, torch.float16: 0.0006, torch.float32: 1e-6}  # of a product, by rounding


def plain(inputs: int, outputs: int, dtype: torch.dtype) -> torch.nn.Linear:
    torch.manual_seed(4)
    return torch.nn.Linear(inputs, outputs, bias=False).to(dtype).requires_grad_(False)  # noqa: FBT003


def dequantized(layer: Int8Linear) -> torch.Tensor:
    return layer._weight.double() * layer._scale.double()[:, None]


@pytest.mark.parametrize("dtype", LAST_BITS)
def test_no_weight_is_further_off_than_half_a_step(dtype: torch.dtype) -> None:
    linear = plain(256, 96, dtype)
    linear.weight[0] = 0
    layer = Int8Linear(linear)
    step = layer._scale.double()[:, None]
    assert ((dequantized(layer) - linear.weight).abs() <= 0.5001 * step).all()
    assert (step[1:] < 1.01 * linear.weight[1:].double().abs().amax(dim=1, keepdim=True) / 127).all()


@pytest.mark.parametrize("rows", [1, 16, 17, 300])
@pytest.mark.parametrize("dtype", LAST_BITS)
def test_a_product_is_that_of_the_weights_as_they_are_held(rows: int, dtype: torch.dtype) -> None:
    layer = Int8Linear(plain(256, 96, dtype))
    given = torch.randn(rows, 256).to(dtype)
    exact = given.double() @ dequantized(layer).T
    assert (layer(given) - exact).norm() / exact.norm() < LAST_BITS[dtype]


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
