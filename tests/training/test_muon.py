import pytest
import torch
from torch import nn

from training.muon import Muon, orthogonalise


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("shape", [(2, 24, 24), (3, 16, 40)])
def test_every_direction_of_an_update_has_about_the_same_length(shape: tuple[int, ...]) -> None:
    left, _, right = torch.linalg.svd(drawn(*shape), full_matrices=False)
    matrices = left * torch.linspace(1, 40, shape[-2]) @ right
    lengths = torch.linalg.svdvals(orthogonalise(matrices))
    assert lengths.min() > 0.5
    assert lengths.max() < 1.4


def test_an_update_keeps_the_singular_vectors() -> None:
    left, _ = torch.linalg.qr(drawn(12, 12))
    right, _ = torch.linalg.qr(drawn(12, 12))
    matrix = left @ torch.diag(torch.linspace(1, 3, 12)) @ right.T
    turned = left.T @ orthogonalise(matrix[None])[0] @ right  # diagonal, if the vectors are the same
    assert (turned - torch.diag(turned.diag())).abs().max() < 0.05
    assert turned.diag().min() > 0.5


def test_a_step_goes_down_by_its_rate_in_every_direction() -> None:
    weight = nn.Parameter(torch.zeros(8, 8))
    weight.grad = 100 * torch.eye(8)
    Muon([{"params": [weight]}], lr=0.1).step()
    assert weight.diag().tolist() == pytest.approx([-0.1] * 8, rel=0.3)
    assert weight.detach().fill_diagonal_(0).abs().max() < 0.01


def test_matrices_kept_in_one_are_updated_as_if_they_stood_alone() -> None:
    gradients = drawn(3, 8, 8) * torch.tensor([1.0, 30.0, 0.1]).view(3, 1, 1)
    alone = [nn.Parameter(torch.zeros(8, 8)) for _ in range(3)]
    for weight, gradient in zip(alone, gradients, strict=True):
        weight.grad = gradient
    stacked = nn.Parameter(torch.zeros(24, 8))
    stacked.grad = gradients.flatten(0, 1)
    Muon([{"params": alone}], lr=0.1).step()
    Muon([{"params": [stacked], "blocks": 3}], lr=0.1).step()
    torch.testing.assert_close(stacked, torch.cat(alone))


def test_a_tall_matrix_steps_further_as_its_rows_are_more() -> None:
    wide, tall = nn.Parameter(torch.zeros(4, 16)), nn.Parameter(torch.zeros(16, 4))
    wide.grad = drawn(4, 16)
    tall.grad = wide.grad.T.clone()
    Muon([{"params": [wide, tall]}], lr=0.1).step()
    torch.testing.assert_close(tall, 2 * wide.T)  # the root of 16 / 4


def test_earlier_gradients_go_on_working() -> None:
    weight = nn.Parameter(torch.zeros(4, 4))
    muon = Muon([{"params": [weight]}], lr=0.1)
    weight.grad = torch.diag(torch.tensor([1.0, 1.0, 1.0, 0.0]))
    muon.step()
    before = weight.detach().clone()
    weight.grad = torch.diag(torch.tensor([0.0, 0.0, 0.0, 1.0]))
    muon.step()
    assert (weight - before)[0, 0] < -0.01
