"""Weight-only int8: the decoder in half the memory, for GPUs of 8 GB and for slow memory.

Each output row of a weight has one scale, its largest magnitude / 127. Activations, the vision tower and the output
layer stay as they are: they are small, and the tower's features go through every later token.

On the built-in model and the answers of `examples/` (`bench/int8.py`), logits are on average 0.057 away from float32's,
bfloat16's own 0.036, and the likeliest token is bfloat16's at 1,712 of 1,713 places.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from inference_worker.model.checkpoint import Layout

DECODER = "model.layers."
# Measured on CPUs: up to here memory decides and the int8 kernel wins; beyond, the product of 16-bit matrices does.
FEW_ROWS = 16


class Int8Linear(nn.Module):
    """`nn.Linear` without bias, its weight in int8. For inference."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float()  # (out, in)
        # Rounded as the product will use it, before the weights are measured with it.
        scale = (weight.abs().amax(dim=1) / 127).to(linear.weight.dtype)
        self._scale = torch.where(scale > 0, scale, 1)  # of zeros any is right
        self._weight = (weight / self._scale[:, None]).round().clamp(-127, 127).to(torch.int8)

    @property
    def size_bytes(self) -> int:
        """Memory held."""
        return self._weight.nbytes + self._scale.nbytes

    def forward(self, rows: Tensor) -> Tensor:
        """(rows, in) to (rows, out)."""
        # On a GPU torch's kernel has one thread for each number that comes out: many times slower than widening.
        if rows.device.type == "cpu" and rows.shape[0] <= FEW_ROWS and rows.dtype == torch.bfloat16:
            product: Tensor = torch._weight_int8pack_mm(rows, self._weight, self._scale)  # noqa: SLF001 - torch's own quantiser calls it so
            return product
        if rows.dtype == torch.float16:  # which ends at 65,504: sums of products of integers would be beyond
            return functional.linear(rows, self._weight.to(rows.dtype) * self._scale[:, None])
        # Integers up to 127 are exact in bfloat16: the scale comes after the product.
        return functional.linear(rows, self._weight.to(rows.dtype)) * self._scale


def quantize_decoder(name: str, linear: nn.Linear, *, rest: Layout | None = None) -> nn.Module:
    """A layout for `load_model`: the decoder's layers in int8, the others as `rest` has them."""
    if name.startswith(DECODER):
        return Int8Linear(linear)
    return rest(name, linear) if rest else linear
