"""Draws the next token of each sequence from its logits."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from inference_worker.engine.request import SamplingParams


def sample(logits: Tensor, params: Sequence[SamplingParams], generators: Sequence[Generator]) -> list[int]:
    """One id a row of `logits` (rows, vocab), each by its own parameters.

    A row's draw depends on nothing but its logits and its own generator, so an answer is the same in any batch.
    """
    ids: list[int] = logits.argmax(dim=-1).tolist()
    for row, (chosen, generator) in enumerate(zip(params, generators, strict=True)):
        if chosen.temperature > 0:
            ids[row] = _draw(logits[row], chosen, generator)
    return ids


def _draw(logits: Tensor, params: SamplingParams, generator: Generator) -> int:
    """From the smallest set of tokens whose probability reaches `top_p` (nucleus sampling, arXiv 1904.09751)."""
    probabilities, order = (logits.float().cpu() / params.temperature).softmax(dim=-1).sort(descending=True)
    before = probabilities.cumsum(dim=-1) - probabilities
    nucleus = torch.where(before < params.top_p, probabilities, 0.0)
    nucleus[0] = probabilities[0]  # however small `top_p` is, the likeliest stays
    return int(order[torch.multinomial(nucleus, 1, generator=generator)])
