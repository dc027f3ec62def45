import pytest
import torch
from torch import Generator, Tensor

from inference_worker.engine.request import SamplingParams
from inference_worker.engine.sampler import draw, sample

LIKELIHOODS = torch.tensor([0.05, 0.5, 0.15, 0.3])


def drawn(uniform: Tensor, *, temperature: float = 1.0, top_p: float = 1.0) -> list[int]:
    rows = len(uniform)
    column = torch.ones(rows, 1)
    logits = LIKELIHOODS.log().expand(rows, -1)
    return draw(logits, column * temperature, column * top_p, uniform[:, None]).tolist()


def test_each_token_is_drawn_as_often_as_it_is_likely() -> None:
    evenly = (torch.arange(1000) + 0.5) / 1000
    shares = torch.bincount(torch.tensor(drawn(evenly)), minlength=4) / 1000
    assert (shares - LIKELIHOODS).abs().max() < 0.002


def test_unlikely_tokens_outside_the_nucleus_are_never_drawn_and_the_others_keep_their_proportions() -> None:
    evenly = (torch.arange(1000) + 0.5) / 1000
    shares = torch.bincount(torch.tensor(drawn(evenly, top_p=0.7)), minlength=4) / 1000
    assert (shares - torch.tensor([0.0, 0.625, 0.0, 0.375])).abs().max() < 0.002


def test_the_likeliest_token_stays_however_small_the_nucleus() -> None:
    assert set(drawn(torch.tensor([0.0, 0.5, 0.999999]), top_p=1e-9)) == {1}


def test_the_ends_of_the_range_draw_tokens_of_the_nucleus() -> None:
    assert drawn(torch.tensor([0.0, 1 - 2**-24])) == [1, 0]
    assert drawn(torch.tensor([0.0, 1 - 2**-24]), top_p=0.7) == [1, 3]


def test_a_low_temperature_is_nearly_greedy_and_a_high_one_nearly_even() -> None:
    evenly = (torch.arange(1000) + 0.5) / 1000
    assert set(drawn(evenly, temperature=0.05)) == {1}
    shares = torch.bincount(torch.tensor(drawn(evenly, temperature=50.0)), minlength=4) / 1000
    assert (shares - 0.25).abs().max() < 0.02


@pytest.mark.parametrize("temperature", [1e-5, 9e-6, 1e-37, 1e-40])
def test_the_smallest_temperatures_are_greedy(temperature: float) -> None:
    params = SamplingParams(temperature=temperature)
    logits = torch.randn(1, 40, generator=Generator().manual_seed(3)) * 20
    assert sample(logits, [params], [Generator()]) == [int(logits.argmax())]


def test_a_row_is_drawn_the_same_in_any_company() -> None:
    logits = torch.randn(5, 40, generator=Generator().manual_seed(3))
    params = [
        SamplingParams(temperature=heat, top_p=0.9, seed=seed) for seed, heat in enumerate([0.0, 1.0, 0.0, 2.0, 0.7])
    ]
    together = sample(logits, params, [Generator().manual_seed(one.seed) for one in params])
    alone = [
        sample(logits[row : row + 1], [one], [Generator().manual_seed(one.seed)])[0] for row, one in enumerate(params)
    ]
    assert together == alone
    assert together[0] == int(logits[0].argmax())
