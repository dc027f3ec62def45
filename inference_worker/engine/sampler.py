"""Draws the next token of each sequence from its logits, where the logits are."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from inference_worker.engine.request import SamplingParams

GREEDY_BELOW = 1e-5  # of a temperature: nothing but the likeliest would be drawn, and logits divided by it overflow


def sample(logits: Tensor, params: Sequence[SamplingParams], generators: Sequence[Generator]) -> list[int]:
    """One id a row of `logits` (rows, vocab), each by its own parameters; the step's one copy from the device.

    A row's draw depends on nothing but its logits and one number of its own generator: not on who else is drawn for.
    """
    ids = logits.argmax(dim=-1)
    numbers = [
        (row, chosen.temperature, chosen.top_p, _uniform(generators[row]))
        for row, chosen in enumerate(params)
        if chosen.temperature >= GREEDY_BELOW
    ]
    if numbers:  # in one copy: a row's number is exact in float32, too
        row_numbers, *others = torch.tensor(numbers).to(logits.device).unbind(dim=1)
        rows = row_numbers.long()
        ids[rows] = draw(logits[rows], *(column[:, None] for column in others))
    result: list[int] = ids.tolist()
    return result


def draw(logits: Tensor, temperature: Tensor, top_p: Tensor, uniform: Tensor) -> Tensor:
    """From the smallest set of tokens whose probability reaches `top_p` (nucleus sampling, arXiv 1904.09751).

    `uniform` in [0, 1) says which: the first token at which the set's summed probability passes that share of it.

    Args:
        logits: (rows, vocab) in float32.
        temperature: (rows, 1), above 0, as are `top_p` and `uniform`.
        top_p: see `temperature`.
        uniform: see `temperature`.

    Returns:
        (rows,) ids.
    """
    probabilities, order = (logits / temperature).softmax(dim=-1).sort(dim=-1, descending=True, stable=True)
    up_to = probabilities.cumsum(dim=-1)
    size = (up_to - probabilities < top_p).sum(dim=-1, keepdim=True).clamp(min=1)  # the likeliest always stays
    share = uniform * up_to.gather(1, size - 1)
    place = torch.minimum((up_to <= share).sum(dim=-1, keepdim=True), size - 1)
    return order.gather(1, place).squeeze(1)


def _uniform(generator: Generator) -> float:
    return float(torch.rand((), generator=generator))
