import pytest
import torch

from inference_worker.model.checkpoint import find_checkpoint, load_model
from inference_worker.model.packed import PackedLinear, can_pack, pack

CPU = torch.device("cpu")
needs_bf16 = pytest.mark.skipif(
    not can_pack(CPU, torch.bfloat16), reason="this processor's oneDNN has no bfloat16, so nothing is packed"
)


@needs_bf16
@pytest.mark.parametrize("rows", [1, 2, 7, 64])
@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_layer_computes_what_the_plain_one_does(rows: int, bias: bool) -> None:  # noqa: FBT001 - drawn
    torch.manual_seed(3)
    plain = torch.nn.Sequential(torch.nn.Linear(96, 160, bias=bias)).to(torch.bfloat16).requires_grad_(False)  # noqa: FBT003
    packed = PackedLinear(plain[0])
    given = torch.randn(rows, 96, dtype=torch.bfloat16)
    exact = torch.nn.functional.linear(
        given.double(), plain[0].weight.double(), plain[0].bias.double() if bias else None
    )
    rounding = exact.abs().clamp(min=1) * 2**-8  # one step of bfloat16
    assert ((packed(given) - exact).abs() <= rounding).all()
    assert ((plain(given) - exact).abs() <= rounding).all()


@needs_bf16
def test_every_linear_layer_is_packed_while_loading_and_the_model_still_knows_what_it_is() -> None:
    model = load_model(find_checkpoint("tiny"), dtype=torch.bfloat16, layout=pack)
    assert not [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    assert (model.dtype, model.device) == (torch.bfloat16, CPU)


def test_nothing_is_packed_in_float32_or_on_a_gpu() -> None:
    assert not can_pack(CPU, torch.float32)
    assert not can_pack(torch.device("cuda"), torch.bfloat16)
