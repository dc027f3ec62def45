"""Linear layers laid out for the CPU's matrix units once, instead of at every call.

oneDNN multiplies bfloat16 fastest in a blocked layout. A plain layer is re-ordered in each call, which for the few
rows of a decode step costs as much as the product itself.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

LIKELY_ROWS = 1  # the layout is chosen for decode; it serves prefill as well as any (measured up to 256 rows)
LEAST_ROWS = 4  # fewer take longer than four do (oneDNN 3.12 on Zen 4: one row 1.15 times as long, two 1.3 times)


class PackedLinear(nn.Module):
    """`nn.Linear` with its weight in oneDNN's layout. For inference only."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self._weight: Tensor = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), LIKELY_ROWS)  # noqa: SLF001 - torch's own graph compiler calls it so
        self._bias = linear.bias

    def forward(self, rows: Tensor) -> Tensor:
        """(rows, in) to (rows, out), with any dimensions before."""
        if rows.dim() == 2 and len(rows) < LEAST_ROWS:  # noqa: PLR2004 - rows and columns
            return self._multiply(functional.pad(rows, (0, 0, 0, LEAST_ROWS - len(rows))))[: len(rows)]
        return self._multiply(rows)

    def _multiply(self, rows: Tensor) -> Tensor:
        product: Tensor = torch.ops.mkldnn._linear_pointwise(rows, self._weight, self._bias, "none", [], "")  # noqa: SLF001
        return product


def can_pack(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether packing is possible here, and of use: bfloat16 on a CPU that computes in it."""
    if device.type != "cpu" or dtype != torch.bfloat16 or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    supported: bool = torch.ops.mkldnn._is_mkldnn_bf16_supported()  # noqa: SLF001
    return supported


def pack(name: str, linear: nn.Linear) -> nn.Module:  # noqa: ARG001 - a layout is told the name
    """A layout for `load_model`: every linear layer packed, where `can_pack`."""
    return PackedLinear(linear)
