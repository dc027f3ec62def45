"""Muon: momentum whose every update of a matrix is made (nearly) orthogonal, so that all directions learn alike.

Keller Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

MOMENTUM = 0.95
ROUNDS = 5  # bring every singular value into about 0.7 to 1.2
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic with the steepest slope at 0 that stays there; from the paper


class Muon(torch.optim.Optimizer):
    """For matrices. A group's `blocks` says how many matrices stand one upon the other in its parameters."""

    def __init__(self, groups: Iterable[dict[str, Any]], *, lr: float) -> None:
        super().__init__(groups, {"lr": lr, "blocks": 1})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # torch returns the closure's loss
        """One update from the gradients."""
        assert closure is None, "gradients are computed before"
        by_shape: dict[torch.Size, list[tuple[Tensor, Tensor, float]]] = defaultdict(list)
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                updates = self._with_momentum(parameter).chunk(group["blocks"])
                for matrix, update in zip(parameter.chunk(group["blocks"]), updates, strict=True):
                    wide = update if update.shape[0] <= update.shape[1] else update.T
                    by_shape[wide.shape].append((matrix, wide, group["lr"]))
        for matrices in by_shape.values():  # few and large products instead of many small ones
            directions = orthogonalise(torch.stack([update for _, update, _ in matrices]))
            for (matrix, _, lr), direction in zip(matrices, directions, strict=True):
                rows, columns = matrix.shape
                fitting = direction if rows <= columns else direction.T
                matrix.sub_(fitting, alpha=lr * max(1.0, rows / columns) ** 0.5)

    def _with_momentum(self, parameter: Tensor) -> Tensor:
        """Nesterov's: the gradient, mixed with the mean of the earlier ones."""
        state = self.state[parameter]
        assert parameter.grad is not None
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum: Tensor = state["momentum"].lerp_(parameter.grad, 1 - MOMENTUM)
        return parameter.grad.lerp(momentum, MOMENTUM)


def orthogonalise(matrices: Tensor) -> Tensor:
    """The nearest orthogonal matrices, roughly: (matrices, rows, columns) with rows <= columns, in float32.

    Newton-Schulz rounds in bfloat16: singular values come to lie about 1, singular vectors stay.
    """
    first, third, fifth = COEFFICIENTS
    norms = matrices.norm(dim=(-2, -1), keepdim=True) + 1e-7
    rounded = (matrices / norms).bfloat16()  # no singular value above 1
    for _ in range(ROUNDS):
        gram = rounded @ rounded.mT  # (matrices, rows, rows)
        polynomial = torch.baddbmm(gram, gram, gram, beta=third, alpha=fifth)
        rounded = torch.baddbmm(rounded, polynomial, rounded, beta=first)
    nearest: Tensor = rounded.float()
    return nearest
