"""Lists of small integers to tensors on the device, all in one copy."""

from collections.abc import Sequence
from itertools import chain

import torch
from torch import Tensor


def pack(lists: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    """All lists one after the other, (numbers,) int32, in memory that a GPU copies from without anybody waiting."""
    flat = torch.tensor([*chain.from_iterable(lists)], dtype=torch.int32)
    return flat.pin_memory() if device.type == "cuda" else flat


def to_device(lists: Sequence[Sequence[int]], device: torch.device) -> list[Tensor]:
    """A tensor (numbers,) int32 for each list."""
    flat = pack(lists, device).to(device, non_blocking=True)
    return [*torch.split(flat, [len(numbers) for numbers in lists])]
